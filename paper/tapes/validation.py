"""What every row of a tape must satisfy: presence, signs, order, and units that are evidently wrong. Vectorised."""

from collections.abc import Callable, Iterator
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from liqbot.blocks import Rows
from liqbot.instruments import FundingStage
from liqbot.market.feeds.trade_bars import AHEAD_MS_MAX
from liqbot.market.observed.prices import BELIEVED_PRICE_MAX, BELIEVED_PRICE_MIN
from liqbot.market.observed.settlements import HOUR_MS, STAMP_TOLERANCE_MS
from paper.tapes.format import (
    LEARNT,
    MAY_BE_NULL,
    POSITIVE_COLUMNS,
    RATE_STAGE,
    REQUIRED,
    SIGNED_COLUMNS,
    WORD_OF_KIND,
    WORDED,
)

Bools = npt.NDArray[np.bool_]
Indices = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# 2009-01-03 and 2100-01-01 in milliseconds: seconds fall below, microseconds above.
FIRST_MS: Final = 1_230_940_800_000
LAST_MS: Final = 4_102_444_800_000
PRICE_JUMP_MAX: Final = 10.0
SPLIT_TOLERANCE: Final = 1.01
OI_USD_MIN: Final = 1_000.0
RATE_PCT_MAX: Final = 25.0
INTERVAL_H_MAX: Final = 168.0


class TapeFault(msgspec.Struct, frozen=True):
    """One broken cell; `row` counts from 0 in the file."""

    row: int
    column: str
    value: Any
    wanted: str

    def line(self, path: str) -> str:
        return f"{path}: row {self.row} (the first is 0), column {self.column!r}: {self.value}; {self.wanted}"


def row_fault(kind: str, rows: Rows, at: Indices) -> TapeFault | None:
    """The first broken row of one kind, None when all are sound. `at` gives each row's number in the file."""
    faults = [fault for fault in _faults(kind, rows, at) if fault is not None]
    return min(faults, key=lambda fault: fault.row, default=None)


def _faults(kind: str, rows: Rows, at: Indices) -> Iterator[TapeFault | None]:
    word = WORD_OF_KIND[kind]
    odd = (rows["time_ms"] < FIRST_MS) | (rows["time_ms"] > LAST_MS)
    if odd.any():
        yield _first(odd, rows, at, "time_ms", _time_wanted(int(rows["time_ms"][int(odd.argmax())])))
    for name in (*REQUIRED[kind], *MAY_BE_NULL[kind]):
        if name in WORDED:
            continue
        needed = name in REQUIRED[kind]
        values = rows[name]
        if values.dtype.kind == "i":
            yield _first(values <= 0, rows, at, name, f"a {word} row needs a positive number of milliseconds")
            continue
        if needed:
            yield _first(~np.isfinite(values), rows, at, name, f"a {word} row needs a finite number here")
        else:
            yield _first(np.isinf(values), rows, at, name, "a finite number or null is right")
        if name in POSITIVE_COLUMNS:
            yield _first(values <= 0, rows, at, name, "a positive number is right")
        elif name not in SIGNED_COLUMNS:
            yield _first(values < 0, rows, at, name, "it cannot be negative")
    for name in _BELIEVED.intersection(rows.dtype.names or ()):
        yield _unbelievable(name, rows, at)
    special = _SPECIAL.get(kind)
    if special is not None:
        yield from special(rows, at)


def _bar_faults(rows: Rows, at: Indices) -> Iterator[TapeFault | None]:
    low, high = rows["low"], rows["high"]
    yield _first(low > high, rows, at, "low", "low cannot be above high")
    for name in ("open", "close"):
        outside = (rows[name] < low) | (rows[name] > high)
        yield _first(outside, rows, at, name, f"{name} must lie within low..high")
    wide = high > low * PRICE_JUMP_MAX
    yield _first(wide, rows, at, "high", f"more than x{PRICE_JUMP_MAX:g} above low: a wrong unit?")
    split = np.nan_to_num(rows["buy_usd"]) + np.nan_to_num(rows["sell_usd"])
    limit = rows["volume_usd"] * SPLIT_TOLERANCE + 0.01
    yield _first(split > limit, rows, at, "buy_usd", "buy_usd + sell_usd exceed volume_usd: is volume_usd in coin?")


def _unbelievable(name: str, rows: Rows, at: Indices) -> TapeFault | None:
    """A price that no map has room for: the fold would pass every such row over and say nothing."""
    beyond = (rows[name] <= BELIEVED_PRICE_MIN) | (rows[name] >= BELIEVED_PRICE_MAX)
    wanted = f"a map holds prices between {BELIEVED_PRICE_MIN:g} and {BELIEVED_PRICE_MAX:g} USD"
    if bool((rows[name] <= BELIEVED_PRICE_MIN).any()):
        wanted += "; a cheaper coin is told by the thousand, as 1000PEPE with a thousand times the price"
    return _first(beyond, rows, at, name, wanted)


def _interest_faults(rows: Rows, at: Indices) -> Iterator[TapeFault | None]:
    small = (rows["oi_usd"] > 0) & (rows["oi_usd"] < OI_USD_MIN)
    yield _first(small, rows, at, "oi_usd", f"below {OI_USD_MIN:g} USD: open interest evidently in coin, USD is right")


def _funding_faults(rows: Rows, at: Indices) -> Iterator[TapeFault | None]:
    wild = np.abs(rows["rate_pct"]) > RATE_PCT_MAX
    yield _first(wild, rows, at, "rate_pct", f"percent within +-{RATE_PCT_MAX:g} is right (0.01 is 0.01 %)")
    long = rows["interval_h"] > INTERVAL_H_MAX
    yield _first(long, rows, at, "interval_h", "hours are right (8, 4, 1)")
    settled = rows[RATE_STAGE] == FundingStage.SETTLEMENT
    past_ms = rows["time_ms"] % HOUR_MS
    off = settled & (np.minimum(past_ms, HOUR_MS - past_ms) > STAMP_TOLERANCE_MS)
    wanted = "a settlement is stamped within a minute of a whole hour; elsewhere 'forecast' or null is right"
    yield _first(off, rows, at, "time_ms", wanted)


_BELIEVED: Final = frozenset({"close", "mark_price"})
"""What a map is drawn by."""
_SPECIAL: Final[dict[str, Callable[[Rows, Indices], Iterator[TapeFault | None]]]] = {
    "bars": _bar_faults,
    "open_interest": _interest_faults,
    "funding": _funding_faults,
}


def _first(broken: Bools, rows: Rows, at: Indices, name: str, wanted: str) -> TapeFault | None:
    if not broken.any():
        return None
    index = int(broken.argmax())
    value = rows[name][index].item()
    return TapeFault(int(at[index]), name, "nothing (null or NaN)" if value != value else value, wanted)


def time_fault(
    times: Indices, first_row: int, previous_ms: int | None, column: str = "time_ms"
) -> TapeFault | None:
    """Clock steps must be milliseconds and never fall; `previous_ms` is the last one before these rows."""
    odd = (times < FIRST_MS) | (times > LAST_MS)
    before = np.concatenate(([times[0] if previous_ms is None else previous_ms], times[:-1]))
    falls = times < before
    if not (odd | falls).any():
        return None
    index = int((odd | falls).argmax())
    value = int(times[index])
    wanted = _time_wanted(value) if odd[index] else f"rows must be sorted: the row before has {before[index]}"
    return TapeFault(first_row + index, column, value, wanted)


def learnt_fault(steps: Indices, rows: Rows, at: Indices) -> TapeFault | None:
    """A row of a time that its clock step cannot know. Venues' clocks run ahead of ours, as they may live."""
    wanted = (
        f"no row is told more than {AHEAD_MS_MAX // 1_000} s before its time: it cannot be later than {LEARNT} by more"
    )
    return _first(rows["time_ms"] > steps + AHEAD_MS_MAX, rows, at, "time_ms", wanted)


def _time_wanted(value: int) -> str:
    for unit, factor in (("seconds", 1e3), ("microseconds", 1e-3), ("nanoseconds", 1e-6)):
        if FIRST_MS <= value * factor <= LAST_MS:
            return f"these are {unit}; milliseconds UTC are right ({int(value * factor)})"
    return f"milliseconds UTC from {FIRST_MS} (2009-01-03) to {LAST_MS} (2100-01-01) are right"
