"""The shape of a venue's table: what to subscribe to, what to ask how often, and where its past is kept."""

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.parsing import Parsed, WireBook, WireContract
from liqbot.venues.public_accounts import PositionSource

RequestParams = dict[str, Any]


class RawSocket(msgspec.Struct, frozen=True, kw_only=True):
    """A websocket that the unified client has no method for: we open it. Messages are JSON, or texts as they are."""

    url: Callable[[tuple[WireContract, ...]], str]
    """The venue's own address; subscriptions of the same address share a connection."""
    subscribe: Callable[[tuple[WireContract, ...]], tuple[Any, ...]]
    """What is sent once it is open."""
    ping: Callable[[], Any] | None = None
    """What the venue wants to receive from time to time; frames of the protocol's own go out in any case."""
    ping_s: float = 15.0
    answer: Callable[[str | bytes], Any] | None = None
    """What a message of the venue's must be answered with, such as a ping; None for all others."""


def _nothing(contracts: tuple[WireContract, ...]) -> tuple[Any, ...]:
    del contracts
    return ()


class Stream(msgspec.Struct, frozen=True, kw_only=True):
    """One subscription per kind of contract, by a method of the unified client or by a `socket` of ours; `arguments`
    turns its contracts into those of the client's method."""

    feeds: tuple[str, ...]
    """What it carries: `trades`, `liquidation`, `mark`, `open_interest`, `funding`, `index`; nothing where it only
    keeps the others open."""
    method: str = ""
    arguments: Callable[[tuple[WireContract, ...]], tuple[Any, ...]] = _nothing
    socket: RawSocket | None = None
    each: bool = False
    """One subscription per contract."""
    silence_ms_max: int | None = None
    """Longest usual silence of one contract; None where silence says nothing."""


    def __post_init__(self) -> None:
        if bool(self.method) is (self.socket is not None):
            raise ValueError(f"stream of {', '.join(self.feeds)}: either `method` or `socket` is right")


def by_id(contract: WireContract) -> RequestParams:
    """The contract as most venues want it named in a request."""
    return {"symbol": contract.symbol_id}


def all_symbols(contracts: tuple[WireContract, ...]) -> tuple[list[str]]:
    """What a method of the client that takes every contract at once is called with."""
    return ([contract.symbol for contract in contracts],)


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
    """A page of the past, requested with `params(contract, since_ms, until_ms)`; facts come in any order."""

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
    """In coin where the packaged table is written in coin; infinite where the venue gives the last tier no end."""
    leverage_max: float
    maintenance_pct: float


class TierSource(msgspec.Struct, frozen=True, kw_only=True):
    """Where maintenance tiers are public. `parse(payload, book, index)` gives the tiers, lowest first."""

    method: str
    params: Callable[[WireContract], RequestParams]
    parse: Callable[[Any, WireBook, int], tuple[TierRow, ...]]
    in_coin: bool = False
    weight: int = 1


class ReportedInterest(NamedTuple):
    """Open interest of a coin as a report has it, one side."""

    coin: str
    as_of_ms: int
    amount_base: float


class ReportSource(msgspec.Struct, frozen=True, kw_only=True):
    """A file that tells a venue's open interest where no stream does. `read` gives its newest figures; ValueError that
    says what in it is not right."""

    what: str
    read: Callable[[str], tuple[ReportedInterest, ...]]


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
