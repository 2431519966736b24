"""`EventBlock`: what the engine is fed, one clock step (or a part of one) as columns.

Market facts are structured arrays, one dtype per kind; everything else is a tuple of structs. The engine folds market
rows only when the block that carries the Tick arrives, all rows of the step at once and in arrival order, so splitting
a step over several blocks never changes the grouping of arithmetic.
"""

from collections.abc import Iterable, Sequence
from operator import attrgetter
from typing import Any, Final, get_args, get_type_hints

import msgspec
import numpy as np
import numpy.typing as npt

from liqbot import events
from liqbot.events import Event, MarketEvent, MarketFact
from liqbot.instruments import FundingStage, Side

Rows = npt.NDArray[np.void]

EVENT_OF: Final[dict[str, type[MarketFact]]] = {
    "bars": events.TradeBar,
    "liquidations": events.Liquidation,
    "totals": events.LiquidationTotals,
    "open_interest": events.OpenInterest,
    "marks": events.MarkPrice,
    "funding": events.FundingRate,
    "tops": events.BookTop,
    "positions": events.OpenPosition,
}
"""Every kind of market rows, with the event that one row is. Its columns follow from the fields of the event."""
KIND_OF: Final[dict[type, str]] = {event: kind for kind, event in EVENT_OF.items()}
CODED: Final = ("venue", "coin")
"""Columns that hold a code of the roster instead of a text."""
_CODE: Final = "<i2"
# Explicit little-endian, packed: the same bytes on every platform.
_DTYPE_OF_TYPE: Final[dict[Any, str]] = {
    int: "<i8", Side: "i1", float: "<f8", float | None: "<f8", FundingStage | None: "<f8",
}


def dtype_of(event: type[MarketFact]) -> np.dtype[np.void]:
    """The columns that `event` travels in: one per field, in the order of the fields.

    Venue and coin are codes of the roster; what may be unknown is a float, NaN where it is. TypeError for a field that
    has no column type: a whole number has no mark for unknown, so an optional one must be a float.
    """
    types = get_type_hints(event)
    columns: list[tuple[str, str]] = []
    for name in event.__struct_fields__:
        stored = _CODE if name in CODED else _DTYPE_OF_TYPE.get(types[name])
        if stored is None:
            raise TypeError(f"{event.__name__}.{name}: {types[name]} has no column type; int, float or Side is right")
        columns.append((name, stored))
    return np.dtype(columns)


def optional_columns(kind: str) -> frozenset[str]:
    """Columns of a kind whose value may be unknown."""
    types = get_type_hints(EVENT_OF[kind])
    return frozenset(name for name in EVENT_OF[kind].__struct_fields__ if type(None) in get_args(types[name]))


DTYPES: Final = {kind: dtype_of(event) for kind, event in EVENT_OF.items()}
KINDS: Final = tuple(DTYPES)
_ROWS_OF_ALL: Final = attrgetter(*KINDS)
NO_ROWS: Final[dict[str, Rows]] = {kind: np.empty(0, dtype) for kind, dtype in DTYPES.items()}


def unknown_rows(kind: str, count: int) -> Rows:
    """`count` rows to be filled: every float is unknown (NaN), every whole number 0."""
    return np.repeat(_UNKNOWN[kind], count)


def rows_of(kind: str, happened: Sequence[tuple[Any, ...]]) -> Rows:
    """Rows from tuples of the leading columns. What columns behind them would say is unknown: a column added to a kind
    concerns only those who know it."""
    behind = len(DTYPES[kind].names or ()) - len(happened[0]) if happened else 0
    unknown = (float("nan"),) * behind
    return np.array([(*row, *unknown) for row in happened] if behind else list(happened), DTYPES[kind])


def _unknown(dtype: np.dtype[np.void]) -> Rows:
    row = np.zeros(1, dtype)
    for name in dtype.names or ():
        if dtype[name].kind == "f":
            row[name] = np.nan
    return row


_UNKNOWN: Final = {kind: _unknown(dtype) for kind, dtype in DTYPES.items()}


class Roster(msgspec.Struct, frozen=True):
    """The venues and coins that integer codes in columns stand for; fixed for the life of a journal."""

    venues: tuple[str, ...]
    coins: tuple[str, ...]

    def __post_init__(self) -> None:
        for name in ("venues", "coins"):
            values = getattr(self, name)
            if not values or len(set(values)) != len(values):
                raise ValueError(f"roster.{name}: {values} must be non-empty and without repeats")

    def venue_code(self, venue: str) -> int:
        return _code(self.venues, venue, "venue")

    def coin_code(self, coin: str) -> int:
        return _code(self.coins, coin, "coin")


def _code(known: tuple[str, ...], name: str, what: str) -> int:
    try:
        return known.index(name)
    except ValueError:
        raise ValueError(f"{what}: {name!r} is not one of {', '.join(known)}") from None


class EventBlock(msgspec.Struct, frozen=True, eq=False):
    """One call of the engine. `tick_ms` is the clock step this block completes, None when it stays open.
    `backfilled` marks history read at start-up: it warms the map and never trades.

    One field per kind of market rows, by the names in `EVENT_OF`."""

    bars: Rows = NO_ROWS["bars"]
    liquidations: Rows = NO_ROWS["liquidations"]
    totals: Rows = NO_ROWS["totals"]
    open_interest: Rows = NO_ROWS["open_interest"]
    marks: Rows = NO_ROWS["marks"]
    funding: Rows = NO_ROWS["funding"]
    tops: Rows = NO_ROWS["tops"]
    positions: Rows = NO_ROWS["positions"]
    facts: tuple[Event, ...] = ()
    tick_ms: int | None = None
    backfilled: bool = False
    lag_ms: int = 0
    """How far the house was behind the wall clock when this step was taken from the inbox; 0 on a tape."""
    source: str = ""
    """Where the market rows come from, if not from feeds of this process; empty otherwise."""
    source_seq: int = 0
    """Up to which place there: whoever begins again begins after it."""

    def rows(self, kind: str) -> Rows:
        rows: Rows = getattr(self, kind)
        return rows

    @property
    def market_rows(self) -> int:
        return sum(map(len, _ROWS_OF_ALL(self)))


def block_of(
    happened: Iterable[Event | MarketEvent], roster: Roster, *, tick_ms: int | None = None, backfilled: bool = False
) -> EventBlock:
    """A block from single events, order kept within each kind. Unknown venue or coin: ValueError."""
    market: dict[str, list[tuple[Any, ...]]] = {}
    facts: list[Event] = []
    for event in happened:
        kind = KIND_OF.get(type(event))
        if kind is None:
            facts.append(event)  # type: ignore[arg-type]
        else:
            market.setdefault(kind, []).append(_row(event, kind, roster))  # type: ignore[arg-type]
    columns: dict[str, Any] = {kind: np.array(rows, DTYPES[kind]) for kind, rows in market.items()}
    return EventBlock(**columns, facts=tuple(facts), tick_ms=tick_ms, backfilled=backfilled)


def _row(event: MarketEvent, kind: str, roster: Roster) -> tuple[Any, ...]:
    names: tuple[str, ...] = DTYPES[kind].names or ()
    tail = (getattr(event, name) for name in names[3:])
    return (
        event.time_ms,
        roster.venue_code(event.venue),
        roster.coin_code(event.coin),
        *(float("nan") if value is None else value for value in tail),
    )


def stage_of(stored: float) -> FundingStage | None:
    """Of a cell of the column `rate_stage`."""
    return None if stored != stored else FundingStage(int(stored))


def joined(parts: Sequence[EventBlock]) -> EventBlock:
    """Several parts of one clock step as one block; only the last part may carry the Tick."""
    if any(part.tick_ms is not None for part in parts[:-1]):
        raise ValueError("only the last part of a clock step may carry its Tick")
    placed = [part for part in parts if part.source]
    columns: dict[str, Any] = {kind: np.concatenate([part.rows(kind) for part in parts]) for kind in KINDS}
    return EventBlock(
        **columns,
        facts=tuple(fact for part in parts for fact in part.facts),
        tick_ms=parts[-1].tick_ms,
        backfilled=any(part.backfilled for part in parts),
        lag_ms=max(part.lag_ms for part in parts),
        source=placed[-1].source if placed else "",
        source_seq=placed[-1].source_seq if placed else 0,
    )
