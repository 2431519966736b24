"""What a file of candles leaves to its name: the pair, the time frame; and what one candle is worth in USD."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from paper.tapes.importing.books import venue_of
from paper.tapes.importing.cells import Cells
from paper.tapes.importing.files import Source
from paper.tapes.importing.reading import Reading
from paper.tapes.validation import Floats

OHLC: Final = ("open", "high", "low", "close")
_UNIT_MS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_FRAME: Final = re.compile(r"(?<![a-z0-9])(\d{1,3})([smhdw])(?![a-z0-9])")
_PAIR: Final = re.compile(
    r"(?<![A-Z0-9])([A-Z0-9]{2,12}?)[-_]?(USDT|USDC|USD)(?:[-_:](USDT|USDC|USD|\1))?(?![A-Z0-9])"
)


def pair_in(source: Source) -> str | None:
    """The one pair that the file's name spells, as a symbol; None when it spells none or several."""
    found = {
        f"{coin}/{quote}:{settle}" if settle else f"{coin}{quote}"
        for coin, quote, settle in _PAIR.findall(source.stem.upper())
    }
    return found.pop() if len(found) == 1 else None


def venue_in(source: Source) -> str | None:
    """The venue that a word of the file's name, or the nearest folder, spells."""
    words = [*re.split(r"[^A-Za-z0-9.]+", source.stem), *reversed(source.words[:-1])]
    for word in words:
        try:
            return venue_of(word)
        except ValueError:
            continue
    return None


def frame_ms(source: Source) -> int | None:
    """The time frame that the file's name spells, as `5m`; None when it spells none or several."""
    found = set(_FRAME.findall(source.stem))
    count, unit = found.pop() if len(found) == 1 else (0, "")
    return int(count) * _UNIT_MS[unit] if unit else None


def with_span(reading: Reading, columns: Sequence[str], time_name: str) -> Iterator[tuple[Cells, int]]:
    """Rows of the file with the span of one candle: as the name says, else the usual time between the first rows.

    TapeError when neither tells it."""
    span_ms = frame_ms(reading.sample.source)
    for cells in reading.cells(columns):
        span_ms = span_ms or _usual_step_ms(cells, time_name)
        if not span_ms:
            raise reading.error("one candle, and no time frame in its name: a name such as BTCUSDT-5m is right")
        yield cells, span_ms


def _usual_step_ms(cells: Cells, time_name: str) -> int:
    steps, counts = np.unique(np.abs(np.diff(cells.times_ms(time_name))), return_counts=True)
    return int(steps[np.argmax(counts)]) if len(steps) else 0


def typical_prices(cells: Cells) -> Floats:
    """Mean of open, high, low and close: the price at which a candle's volume is valued when it tells coins alone."""
    prices: Floats = np.mean([cells.numbers(name) for name in OHLC], axis=0)
    return prices


def settlement_hours(times_ms: Sequence[int] | np.ndarray, longest_h: float = 8.0) -> Floats:  # type: ignore[type-arg]
    """Hours that each settlement covers: those since the one before. The first, and one after a hole, take the shortest
    step beside them."""
    steps = np.rint(np.diff(np.asarray(times_ms)) / 3_600_000)
    before, after = np.concatenate(([np.inf], steps)), np.concatenate((steps, [np.inf]))
    hours = np.where(before <= longest_h, before, np.minimum(before, after))
    return np.where((hours >= 1.0) & (hours <= longest_h), hours, longest_h)
