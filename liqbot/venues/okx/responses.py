"""OKX's answers to requests for mark, index, funding, open interest, maintenance tiers and the past."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
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
from liqbot.venues.parsing import WireBook
from liqbot.venues.streams import TierRow

BAR_MS: Final = 300_000


class _Marks(msgspec.Struct):
    data: list[MarkMessage]


class _Indexes(msgspec.Struct):
    data: list[IndexMessage]


class _Fundings(msgspec.Struct):
    data: list[FundingMessage]


class _OpenInterests(msgspec.Struct):
    data: list[OpenInterestRow]


class _Tier(msgspec.Struct):
    contracts_max: float = msgspec.field(name="maxSz")
    leverage_max: float = msgspec.field(name="maxLever")
    maintenance: float = msgspec.field(name="mmr")


class _Tiers(msgspec.Struct):
    data: list[_Tier]


class _Candles(msgspec.Struct):
    """Start, open, high, low, close, volume in contracts, in coin, in quote, whether the bar is over."""

    data: list[tuple[int, float, float, float, float, float, float, float, str]]


class _PastOpenInterests(msgspec.Struct):
    """Time, contracts, coin, USD."""

    data: list[tuple[int, float, float, float]]


class _PastFunding(msgspec.Struct, rename="camel"):
    funding_time: int
    realized_rate: float


class _PastFundings(msgspec.Struct):
    data: list[_PastFunding]


def marks(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    del now_ms
    return mark_facts(book.convert(payload, _Marks, "mark-price").data, book).facts


def indexes(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    del now_ms
    return index_facts(book.convert(payload, _Indexes, "index-tickers").data, book).facts


def fundings(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    del now_ms
    return funding_facts(book.convert(payload, _Fundings, "funding-rate").data, book).facts


def open_interests(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    del now_ms
    return open_interest_facts(book.convert(payload, _OpenInterests, "open-interest").data, book).facts


def tiers(payload: Any, book: WireBook, index: int) -> tuple[TierRow, ...]:
    """Borders come in contracts: in coin here for linear contracts, in USD for coin-margined ones."""
    size = book.contracts[index].contract_units
    rows = book.convert(payload, _Tiers, "position-tiers").data
    found = [TierRow(row.contracts_max * size, row.leverage_max, row.maintenance * 100.0) for row in rows]
    return tuple(sorted(found, key=lambda tier: tier.cap_usd))


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """Of linear contracts the quote volume; of coin-margined ones contracts times their size in USD. No taker split."""
    contract = book.contracts[index]
    return [
        book.bar(index, row[0], BAR_MS, row[1:5], row[5] * contract.contract_units if contract.inverse else row[7])
        for row in book.convert(payload, _Candles, "history-candles").data
    ]


def past_open_interest(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    rows = book.convert(payload, _PastOpenInterests, "open-interest-history").data
    return [book.past_open_interest(index, time_ms, usd) for time_ms, _, _, usd in rows]


def past_funding(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """What was paid, not what had been announced."""
    rows = book.convert(payload, _PastFundings, "funding-rate-history").data
    return book.paid(index, [(row.funding_time, row.realized_rate) for row in rows])
