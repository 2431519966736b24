"""Where the mark went while something lasted, read from the ledger's minutes, and what that meant for a position."""

from collections.abc import Sequence
from typing import Final

import msgspec

from liqbot.instruments import side_of
from liqbot.review.ledger_reader import Ledger

_SPARKS: Final = "▁▂▃▄▅▆▇█"
STOP, TAKE, TIME, UNKNOWN = "stop", "take", "time", "unknown"


class Mark(msgspec.Struct, frozen=True):
    """Over a minute, or over a tick of a coarser tape; `time_ms` is its end."""

    time_ms: int
    low_price: float
    high_price: float
    price: float


class Reached(msgspec.Struct, frozen=True):
    """A price, and when it was there."""

    time_ms: int
    price: float


class Ended(msgspec.Struct, frozen=True):
    """How an entry that was not made would have ended: in units of the distance to its stop, before costs. `by` is
    `stop`, `take`, `time`, or `unknown` where the ledger ends before."""

    by: str
    time_ms: int
    r: float


def path_of(ledger: Ledger, coin: str, from_ms: int, to_ms: int, ratio: float = 1.0) -> list[Mark]:
    """Oldest first; the minutes that end in the span. `ratio`: from prices of the map into those that are wanted."""
    rows = ledger.rows(
        "SELECT time_ms, low_price, high_price, mark_price FROM mark_minute "
        "WHERE coin = ? AND time_ms > ? AND time_ms <= ? ORDER BY time_ms", [coin, from_ms, to_ms],
    )
    nano = ratio / 1e9
    return [
        Mark(row["time_ms"], row["low_price"] * nano, row["high_price"] * nano, row["mark_price"] * nano)
        for row in rows
    ]


def extremes(path: Sequence[Mark], side: str) -> tuple[Reached, Reached] | None:
    """The worst and the best moment for a position of that side; None without a path."""
    if not path:
        return None
    low = min(path, key=lambda mark: mark.low_price)
    high = max(path, key=lambda mark: mark.high_price)
    lowest, highest = Reached(low.time_ms, low.low_price), Reached(high.time_ms, high.high_price)
    return (lowest, highest) if side == "long" else (highest, lowest)


def spark(path: Sequence[Mark], width: int) -> str:
    """The mark as a line of eighths of at most so many signs, evenly in time; the lowest price is the lowest sign."""
    if not path:
        return ""
    first_ms, last_ms = path[0].time_ms, path[-1].time_ms
    count = min(width, len(path))
    cells: list[float | None] = [None] * count
    for mark in path:
        cells[min(count - 1, (mark.time_ms - first_ms) * count // max(1, last_ms - first_ms))] = mark.price
    newest, filled = path[0].price, []
    for price in cells:
        newest = newest if price is None else price
        filled.append(newest)
    return _line(filled)


def spark_of(values: Sequence[float], width: int) -> str:
    """Values that are evenly apart, likewise; of many the last of each stretch."""
    count = min(width, len(values))
    return _line([values[(n + 1) * len(values) // count - 1] for n in range(count)])


def _line(values: Sequence[float]) -> str:
    low, high = min(values, default=0.0), max(values, default=0.0)
    scale = (len(_SPARKS) - 1) / (high - low) if high > low else 0.0
    return "".join(_SPARKS[round((value - low) * scale)] for value in values)


def would_have_ended(
    path: Sequence[Mark], side: str, entry_price: float, stop_price: float, take_price: float | None, until_ms: int
) -> Ended:
    """Of an entry at that price with stop and take left where they were. Within one minute the stop comes first,
    because nobody knows better. A stop fills at its price: gaps are not counted."""
    sign = int(side_of(side))
    risk = (entry_price - stop_price) * sign
    last = Ended(UNKNOWN, path[-1].time_ms if path else 0, 0.0)
    if risk <= 0:
        return last
    for mark in path:
        if mark.time_ms > until_ms:
            return msgspec.structs.replace(last, by=TIME)
        worst, best = (mark.low_price, mark.high_price) if sign > 0 else (mark.high_price, mark.low_price)
        if (worst - stop_price) * sign <= 0:
            return Ended(STOP, mark.time_ms, -1.0)
        if take_price is not None and (best - take_price) * sign >= 0:
            return Ended(TAKE, mark.time_ms, (take_price - entry_price) * sign / risk)
        last = Ended(UNKNOWN, mark.time_ms, (mark.price - entry_price) * sign / risk)
    return last
