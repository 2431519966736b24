"""Bybit's answers to requests for tickers, maintenance tiers and the past."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.bybit.messages import TickerMessage, ticker_facts
from liqbot.venues.parsing import WireBook
from liqbot.venues.streams import TierRow

BAR_MS: Final = 300_000


class _TickerList(msgspec.Struct):
    list: list[TickerMessage]


class _TickerAnswer(msgspec.Struct):
    result: _TickerList
    time: int | None = None


class _Tier(msgspec.Struct, rename="camel"):
    risk_limit_value: float
    maintenance_margin: float
    max_leverage: float


class _TierList(msgspec.Struct):
    list: list[_Tier]


class _TierAnswer(msgspec.Struct):
    result: _TierList


class _PastOpenInterest(msgspec.Struct, rename="camel"):
    timestamp: int
    open_interest: float
    single_open_interest: float | str | None = None


class _PastOpenInterestList(msgspec.Struct):
    list: list[_PastOpenInterest]


class _PastOpenInterestAnswer(msgspec.Struct):
    result: _PastOpenInterestList


class _PastFunding(msgspec.Struct, rename="camel"):
    funding_rate: float
    funding_rate_timestamp: int


class _PastFundingList(msgspec.Struct):
    list: list[_PastFunding]


class _PastFundingAnswer(msgspec.Struct):
    result: _PastFundingList


class _KlineList(msgspec.Struct):
    list: list[tuple[int, float, float, float, float, float, float]]


class _KlineAnswer(msgspec.Struct):
    """Start, open, high, low, close, volume, turnover."""

    result: _KlineList


def tickers(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """Mark, index, funding and open interest of one contract or more."""
    answer = book.convert(payload, _TickerAnswer, "tickers")
    facts: list[MarketEvent] = []
    for ticker in answer.result.list:
        index = book.index_of.get(ticker.symbol)
        if index is not None:
            facts += ticker_facts(ticker, index, now_ms if answer.time is None else answer.time, book)
    return facts


def tiers(payload: Any, book: WireBook, index: int) -> tuple[TierRow, ...]:
    """The rates come as fractions (0.005 is .5 %); caps in USD, of inverse contracts in coin."""
    del index
    rows = book.convert(payload, _TierAnswer, "risk-limit").result.list
    found = [TierRow(row.risk_limit_value, row.max_leverage, row.maintenance_margin * 100.0) for row in rows]
    return tuple(sorted(found, key=lambda tier: tier.cap_usd))


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """Turnover is in USD; of inverse contracts it is in coin and the volume in USD. No taker split."""
    inverse = book.contracts[index].inverse
    return [
        book.bar(index, start_ms, BAR_MS, (opened, high, low, close), volume if inverse else turnover)
        for start_ms, opened, high, low, close, volume, turnover in
        book.convert(payload, _KlineAnswer, "kline").result.list
    ]


def past_open_interest(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """In coin: valued with the bars of that time, which are read before. Counts both sides unless the single-sided
    figure is there."""
    contract = book.contracts[index]
    facts: list[MarketEvent] = []
    for row in book.convert(payload, _PastOpenInterestAnswer, "open-interest").result.list:
        amount, halved = row.open_interest, contract.open_interest_two_sided
        if row.single_open_interest not in (None, ""):
            amount = book.convert(row.single_open_interest, float, "open-interest singleOpenInterest")
            halved = False
        usd = book.past_usd(index, row.timestamp, amount)
        if usd is not None:
            facts.append(book.past_open_interest(index, row.timestamp, usd * (0.5 if halved else 1.0)))
    return facts


def past_funding(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    rows = book.convert(payload, _PastFundingAnswer, "funding history").result.list
    return book.paid(index, [(row.funding_rate_timestamp, row.funding_rate) for row in rows])
