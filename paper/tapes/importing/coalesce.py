"""Single trades as bars of a fixed span, part after part."""

import numpy as np

from liqbot.blocks import Rows
from paper.tapes.format import TapeError
from paper.tapes.importing.amounts import BookAmounts
from paper.tapes.importing.cells import Cells
from paper.tapes.importing.facts import Facts
from paper.tapes.importing.reading import Reading
from paper.tapes.validation import Floats, Indices, TapeFault


class Coalescer:
    """Trades of one book in order of time become bars; the newest bar stays open until a later one begins."""

    def __init__(self, reading: Reading, book: BookAmounts) -> None:
        self._reading, self._book = reading, book
        self._open: Facts | None = None

    def add(self, cells: Cells, time_name: str, prices: Floats, usd: Floats, bought: Floats) -> list[Facts]:
        """Bars that are complete. `bought` is 1 where the taker bought, 0 where he sold, NaN where it is not known; a
        bar with such a trade has no split. TapeError when times fall back into a bar that is complete."""
        times, span_ms = cells.times_ms(time_name), self._reading.hints.bar_ms
        slots = times // span_ms
        if (np.diff(slots) < 0).any() or (self._open is not None and slots[0] < self._slot(self._open.rows)):
            index = int(np.argmax(np.diff(slots, prepend=slots[0]) < 0))
            raise TapeError(TapeFault(int(cells.at[index]), time_name, int(times[index]),
                                      "trades must be sorted by time").line(cells.file))
        starts = np.flatnonzero(np.diff(slots, prepend=slots[0] - 1))
        columns = {
            "span_ms": span_ms,
            "open": prices[starts], "high": np.maximum.reduceat(prices, starts),
            "low": np.minimum.reduceat(prices, starts), "close": prices[_ends(starts, len(prices))],
            "volume_usd": np.add.reduceat(usd, starts),
            "buy_usd": np.add.reduceat(usd * bought, starts),
            "sell_usd": np.add.reduceat(usd * (1.0 - bought), starts),
        }  # fmt: skip
        made = self._reading.facts(
            "bars", self._book, cells.taken(starts), (slots[starts] + 1) * span_ms, columns, {"open": "price"}
        )
        return self._closed(made)

    def rest(self) -> list[Facts]:
        """The newest bar."""
        held, self._open = self._open, None
        return [held] if held is not None else []

    def _closed(self, made: Facts) -> list[Facts]:
        before = self._open
        if before is not None and self._slot(before.rows) == self._slot(made.rows[:1]):
            _join(before.rows, made.rows)
            made = Facts(made.kind, made.rows, np.concatenate((before.at, made.at[1:])))
            before = None
        self._open = Facts(made.kind, made.rows[-1:], made.at[-1:])
        closed = Facts(made.kind, made.rows[:-1], made.at[:-1])
        return [one for one in (before, closed) if one is not None and len(one.rows)]

    def _slot(self, rows: Rows) -> int:
        return int(rows["time_ms"][-1]) // self._reading.hints.bar_ms - 1


def _join(before: Rows, rows: Rows) -> None:
    """Put what the open bar already held into the first row."""
    rows["open"][0] = before["open"][0]
    rows["high"][0] = max(before["high"][0], rows["high"][0])
    rows["low"][0] = min(before["low"][0], rows["low"][0])
    for name in ("volume_usd", "buy_usd", "sell_usd"):
        rows[name][0] += before[name][0]


def _ends(starts: Indices, count: int) -> Indices:
    return np.append(starts[1:], count) - 1
