"""Bitget's answers to requests for tickers, funding intervals, maintenance tiers and the past."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.bitget.messages import TickerFigures, ticker_facts, whole_ticker
from liqbot.venues.parsing import WireBook
from liqbot.venues.rows import answered_rows, each
from liqbot.venues.streams import TierRow

BAR_MS: Final = 300_000


class _Ticker(TickerFigures, kw_only=True, gc=False, rename="camel"):
    symbol: str
    ts: int


class _Funding(msgspec.Struct, rename="camel"):
    symbol: str
    funding_rate: float | str | None = None
    funding_rate_interval: float | str | None = None


class _OpenInterest(msgspec.Struct):
    symbol: str
    base: float = msgspec.field(name="size")


class _Tier(msgspec.Struct, rename="camel"):
    max_tier_value: float
    leverage: float
    mmr: float


class _Tiers(msgspec.Struct):
    data: list[_Tier]


class _Candle(msgspec.Struct, array_like=True):
    """Volumes in base coin and in quote coin, of coin-margined contracts in USD."""

    start_ms: int
    open: float
    high: float
    low: float
    close: float
    base: float
    quote: float


class _PastFunding(msgspec.Struct, rename="camel"):
    funding_rate: float
    funding_time: int


def tickers(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """Mark, index, funding and open interest of one contract or more."""
    del now_ms
    facts: list[MarketEvent] = []
    for row in answered_rows(payload, dict[str, Any], "tickers", book, "data"):
        for ticker in whole_ticker(row, _Ticker, book):
            index = book.index_of.get(ticker.symbol)
            if index is not None:
                facts += ticker_facts(ticker, index, ticker.ts, book)
    return facts


def fundings(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """The rate that is expected next, with the hours between two payments, which the stream does not tell."""
    sent_ms = payload.get("requestTime") if isinstance(payload, dict) else None
    time_ms = now_ms if sent_ms is None else book.convert(sent_ms, int, "current-fund-rate requestTime")

    def read(row: _Funding) -> list[MarketEvent]:
        index = book.index_of.get(row.symbol)
        if index is None:
            return []
        rate = book.figure("current-fund-rate fundingRate", row.funding_rate, row)
        interval_h = book.figure("current-fund-rate fundingRateInterval", row.funding_rate_interval, row)
        return book.funding(index, time_ms, rate, interval_h)

    return each(answered_rows(payload, _Funding, "current-fund-rate", book, "data"), read, book)


def open_interests(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """In base coin, of coin-margined contracts too: valued with the newest mark."""
    data = payload.get("data") if isinstance(payload, dict) else None
    sent_ms = data.get("ts") if isinstance(data, dict) else None
    time_ms = now_ms if sent_ms is None else book.convert(sent_ms, int, "open-interest ts")

    def read(row: _OpenInterest) -> list[MarketEvent]:
        index = book.index_of.get(row.symbol)
        mark_price = float("nan") if index is None else book.quotes[index].mark_price
        if index is None or mark_price != mark_price:
            return []
        return book.open_interest_usd(index, time_ms, row.base * mark_price)

    return each(answered_rows(payload, _OpenInterest, "open-interest", book, "data", "openInterestList"), read, book)


def tiers(payload: Any, book: WireBook, index: int) -> tuple[TierRow, ...]:
    """The rates come as fractions (0.004 is .4 %), borders in quote coin."""
    del index
    rows = book.convert(payload, _Tiers, "position-tier").data
    found = [TierRow(row.max_tier_value, row.leverage, row.mmr * 100.0) for row in rows]
    return tuple(sorted(found, key=lambda tier: tier.cap_usd))


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """No taker split."""
    def bar(row: _Candle) -> list[MarketEvent]:
        return [book.bar(index, row.start_ms, BAR_MS, (row.open, row.high, row.low, row.close), row.quote)]

    return each(answered_rows(payload, _Candle, "history-candles", book, "data"), bar, book)


def past_funding(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """What was paid, newest first."""
    rows = answered_rows(payload, _PastFunding, "history-fund-rate", book, "data")
    return book.paid(index, [(row.funding_time, row.funding_rate) for row in rows])
