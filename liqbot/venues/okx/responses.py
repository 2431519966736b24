"""OKX's answers to requests for mark, index, funding, open interest, maintenance tiers and the past."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.legible import spelled_and_cut
from liqbot.venues.answers import answer, as_it_is
from liqbot.venues.okx.messages import (
    FundingMessage,
    IndexMessage,
    MarkMessage,
    OpenInterestRow,
    funding_facts,
    index_facts,
    mark_facts,
    open_interest_facts,
)
from liqbot.venues.parsing import Parsed, WireBook
from liqbot.venues.rows import answered_rows, each
from liqbot.venues.streams import TierRow

BAR_MS: Final = 300_000


class _Tier(msgspec.Struct):
    contracts_max: float = msgspec.field(name="maxSz")
    leverage_max: float = msgspec.field(name="maxLever")
    maintenance: float = msgspec.field(name="mmr")


class _Tiers(msgspec.Struct):
    data: list[_Tier]


class _Candle(msgspec.Struct, array_like=True):
    """Volumes in contracts, in coin and in quote."""

    start_ms: int
    open: float
    high: float
    low: float
    close: float
    contracts: float
    coins: float
    quote: float


class _PastOpenInterest(msgspec.Struct, array_like=True):
    time_ms: int
    contracts: float
    coins: float
    usd: float


class _PastFunding(msgspec.Struct, rename="camel"):
    funding_time: int
    realized_rate: float


def marks(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    del now_ms
    return mark_facts(answered_rows(payload, MarkMessage, "mark-price", book, "data"), book, Parsed()).facts


def indexes(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    del now_ms
    return index_facts(answered_rows(payload, IndexMessage, "index-tickers", book, "data"), book, Parsed()).facts


def fundings(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    del now_ms
    return funding_facts(answered_rows(payload, FundingMessage, "funding-rate", book, "data"), book, Parsed()).facts


def open_interests(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    del now_ms
    rows = answered_rows(payload, OpenInterestRow, "open-interest", book, "data")
    return open_interest_facts(rows, book, Parsed()).facts


def tiers(payload: Any, book: WireBook, index: int) -> tuple[TierRow, ...]:
    """Borders come in contracts: in coin here for linear contracts, in USD for coin-margined ones."""
    size = book.contracts[index].contract_units
    rows = book.convert(payload, _Tiers, "position-tiers").data
    found = [TierRow(row.contracts_max * size, row.leverage_max, row.maintenance * 100.0) for row in rows]
    return tuple(sorted(found, key=lambda tier: tier.cap_usd))


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """Of linear contracts the quote volume; of coin-margined ones contracts times their size in USD. No taker split."""
    contract = book.contracts[index]

    def bar(row: _Candle) -> list[MarketEvent]:
        volume_usd = row.contracts * contract.contract_units if contract.inverse else row.quote
        return [book.bar(index, row.start_ms, BAR_MS, (row.open, row.high, row.low, row.close), volume_usd)]

    return each(answered_rows(payload, _Candle, "history-candles", book, "data"), bar, book)


def past_open_interest(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    rows = answered_rows(payload, _PastOpenInterest, "open-interest-history", book, "data")
    return each(rows, lambda row: [book.past_open_interest(index, row.time_ms, row.usd)], book)


def past_funding(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """What was paid, not what had been announced."""
    rows = answered_rows(payload, _PastFunding, "funding-rate-history", book, "data")
    return book.paid(index, [(row.funding_time, row.realized_rate) for row in rows])


# --- its own state ---------------------------------------------------------------------------------------------------

STATUS_METHOD: Final = "publicGetSystemStatus"
_CLOSED: Final = frozenset({"ongoing", "pre_open"})
_TRADING: Final = frozenset({"5", "8", "9"})
"""Services: trading, and trading in batches of accounts or of products. Others are websockets, blocks, bots."""
_PRODUCTION: Final = "1"


class _Event(msgspec.Struct, rename="camel"):
    state: str
    service_type: str
    title: str = ""
    env: str = _PRODUCTION
    """`1` production, `2` demo trading."""


class _StatusAnswer(msgspec.Struct):
    data: list[_Event]


def closed(payload: Any, coin: str) -> str:
    """By maintenance of the trading service."""
    del coin
    events = answer("okx", STATUS_METHOD, payload, _StatusAnswer, as_it_is).data
    going_on = [
        f"{one.title or 'maintenance'} is {one.state}" for one in events
        if one.state in _CLOSED and one.service_type in _TRADING and one.env == _PRODUCTION
    ]
    return spelled_and_cut("; ".join(going_on))
