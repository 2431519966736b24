"""What a file of candles leaves to its name: the pair, the time frame; and what one candle is worth in USD."""

import re
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np

from liqbot.venues.registry import VENUES
from paper.tapes.importing.amounts import BookAmounts
from paper.tapes.importing.cells import Cells
from paper.tapes.importing.facts import Facts
from paper.tapes.importing.files import Source
from paper.tapes.importing.reading import Hints, Reading
from paper.tapes.validation import Floats, Indices

OHLC: Final = ("open", "high", "low", "close")
_UNIT_MS: Final = {"s": 1_000, "m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}
_FRAME: Final = re.compile(r"(?<![a-z0-9])(\d{1,3})([smhdw])(?![a-z0-9])")
_PAIR: Final = re.compile(
    r"(?<![A-Z0-9])([A-Z0-9]{2,12}?)[-_]?(USDT|USDC|USD)(?:[-_:](USDT|USDC|USD|PERP|SWAP|\1))?(?![A-Z0-9])"
)


def pair_in(source: Source) -> str | None:
    """The one pair that the file's name spells, as a symbol; None when it spells none or several."""
    found = {
        f"{coin}{quote}" if settle in ("", "PERP", "SWAP") else f"{coin}/{quote}:{settle}"
        for coin, quote, settle in _PAIR.findall(source.stem.upper())
    }
    return found.pop() if len(found) == 1 else None


def venue_in(source: Source) -> str | None:
    """The venue that a word of the file's name, or the nearest folder, spells."""
    words = [*re.split(r"[^A-Za-z0-9.]+", source.stem), *reversed(source.words[:-1])]
    return next((word for word in words if VENUES.spelt(word) is not None), None)


def candle_book(reading: Reading) -> BookAmounts:
    """The book that the file's name and folders spell, where nothing is said of it."""
    source, hints = reading.sample.source, reading.hints
    return reading.book(None if hints.venue else venue_in(source), pair_in(source))


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
    steps = np.abs(np.diff(cells.times_ms(time_name)))
    lengths, counts = np.unique(steps[steps > 0], return_counts=True)
    return int(lengths[np.argmax(counts)]) if len(lengths) else 0


def candles(reading: Reading, book: BookAmounts, columns: Sequence[str], time_name: str) -> Iterator[Facts]:
    """Bars of candles that tell one volume, known at their end: coins, or what the hints say."""
    hints = reading.hints
    if not hints.in_usd and hints.contract_units is None:
        reading.note("volume is taken as coin, at the mean of open, high, low and close; if it is not, --in-usd or"
                     " --contract-units says so")
    for cells, span_ms in with_span(reading, columns, time_name):
        prices = {name: cells.numbers(name) for name in OHLC}
        usd = cells.numbers("volume") * _unit_usd(hints, book, cells)
        figures = prices | {"volume_usd": usd, "span_ms": span_ms}
        yield reading.facts("bars", book, cells, cells.times_ms(time_name) + span_ms, figures, {"volume_usd": "volume"})


def _unit_usd(hints: Hints, book: BookAmounts, cells: Cells) -> Floats | float:
    """What one unit of a candle's volume is worth."""
    if hints.in_usd:
        return 1.0
    if hints.contract_units is None:
        return typical_prices(cells)
    return hints.contract_units if book.inverse else hints.contract_units * typical_prices(cells)


def typical_prices(cells: Cells) -> Floats:
    """Mean of open, high, low and close."""
    prices: Floats = np.mean([cells.numbers(name) for name in OHLC], axis=0)
    return prices


def settlement_hours(times_ms: Indices, longest_h: float = 8.0) -> Floats:
    """Hours that each settlement covers: those since the one before. The first, and one after a hole, take the shortest
    step beside them."""
    steps = np.rint(np.diff(times_ms) / 3_600_000)
    before, after = np.concatenate(([np.inf], steps)), np.concatenate((steps, [np.inf]))
    hours = np.where(before <= longest_h, before, np.minimum(before, after))
    return np.where((hours >= 1.0) & (hours <= longest_h), hours, longest_h)
