"""The shape of a venue's table: what to subscribe to, what to ask how often, and where its past is kept."""

from collections.abc import Callable
from typing import Any

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.parsing import Parsed, WireBook, WireContract
from liqbot.venues.public_accounts import PositionSource

RequestParams = dict[str, Any]


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """One subscription per kind of contract; `arguments` turns its contracts into those of the client's method."""

    feeds: tuple[str, ...]
    """What it carries: `trades`, `liquidation`, `mark`, `open_interest`, `funding`, `index`."""
    method: str
    arguments: Callable[[tuple[WireContract, ...]], tuple[Any, ...]]
    each: bool = False
    """One subscription per contract."""
    silence_ms_max: int | None = None
    """Longest usual silence of one contract; None where silence says nothing."""


class Poll(msgspec.Struct, frozen=True, kw_only=True):
    """A request repeated for every contract, or once for all when `each` is False."""

    feed: str
    method: str
    params: Callable[[WireContract], RequestParams]
    parse: Callable[[Any, WireBook, int], list[MarketEvent]]
    period_ms: int
    weight: int = 1
    each: bool = True
    inverse: bool | None = None
    """Only for contracts of this kind."""
    resync: bool = False
    """Also made at once after a connection came back."""


class HistorySource(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the past, asked for with `params(contract, since_ms, until_ms)`; facts come in any order."""

    kind: str
    """`bars`, `open_interest` or `funding`."""
    method: str
    params: Callable[[WireContract, int, int], RequestParams]
    parse: Callable[[Any, WireBook, int], list[MarketEvent]]
    """(payload, book, index of the contract in it)."""
    span_ms: int
    """What one row covers."""
    rows_max: int
    """Rows of a page."""
    reach_ms: int | None = None
    """How far back the venue remembers."""
    weight: int = 1
    inverse: bool | None = None


class TierRow(msgspec.Struct, frozen=True):
    """One maintenance tier as the venue publishes it; the cap in units of the packaged table (USD or coin)."""

    cap_usd: float
    """In coin where the packaged table is written in coin."""
    leverage_max: float
    maintenance_pct: float


class TierSource(msgspec.Struct, frozen=True, kw_only=True):
    """Where maintenance tiers are public. `parse(payload, book, index)` gives the tiers, lowest first."""

    method: str
    params: Callable[[WireContract], RequestParams]
    parse: Callable[[Any, WireBook, int], tuple[TierRow, ...]]
    in_coin: bool = False
    weight: int = 1


class VenueWire(msgspec.Struct, frozen=True, kw_only=True):
    """Everything a generic feed needs to know about a venue's wire."""

    venue: str
    parse: Callable[[str | bytes, WireBook], Parsed]
    streams: tuple[Stream, ...]
    polls: tuple[Poll, ...]
    histories: tuple[HistorySource, ...] = ()
    tiers: TierSource | None = None
    positions: PositionSource | None = None
    """Where positions are public, account by account; accounts are learnt from trades that name them."""
