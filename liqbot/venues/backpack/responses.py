"""Backpack's answers to requests for mark prices, open interest, a market's funding interval and the past."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.parsing import WireBook
from liqbot.venues.rows import answered_rows, each

BAR_MS: Final = 300_000
_HOUR_MS: Final = 3_600_000


class _Mark(msgspec.Struct, rename="camel"):
    symbol: str
    mark_price: float
    index_price: float | str | None = None
    funding_rate: float | str | None = None


class _OpenInterest(msgspec.Struct, rename="camel"):
    symbol: str
    open_interest: float
    timestamp: int


class _Market(msgspec.Struct, rename="camel"):
    """The interval in milliseconds."""

    symbol: str
    funding_interval: float


class _Candle(msgspec.Struct, rename="camel"):
    """The quote volume is in USDC. Nothing says how much of it takers bought."""

    start: str
    open: float
    high: float
    low: float
    close: float
    quote_volume: float


class _PastFunding(msgspec.Struct, rename="camel"):
    funding_rate: float
    interval_end_timestamp: str


def marks(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """Mark, index and the estimated funding rate; answers carry no time."""
    rows = answered_rows(payload, _Mark, "markPrices", book)
    known = [row for row in rows if row.symbol in book.index_of]
    return each(known, lambda row: book.mark(
        book.index_of[row.symbol], now_ms, row.mark_price, book.figure("markPrices indexPrice", row.index_price, row)
    ), book) + each(known, lambda row: _rate(row, now_ms, book), book)


def _rate(row: _Mark, now_ms: int, book: WireBook) -> list[MarketEvent]:
    rate = book.figure("markPrices fundingRate", row.funding_rate, row)
    return [] if rate is None else book.funding(book.index_of[row.symbol], now_ms, rate)


def open_interests(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    del now_ms
    rows = answered_rows(payload, _OpenInterest, "openInterest", book)
    known = [row for row in rows if row.symbol in book.index_of]
    return each(known, lambda row: book.open_interest(
        book.index_of[row.symbol], row.timestamp, row.open_interest
    ), book)


def funding_interval(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    row = book.convert(payload, _Market, "market")
    index = book.index_of.get(row.symbol)
    return [] if index is None else book.funding(index, now_ms, None, row.funding_interval / _HOUR_MS)


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """Times are UTC without saying so."""
    return each(answered_rows(payload, _Candle, "klines", book), lambda row: [book.bar(
        index, book.iso_time("klines start", f"{row.start}Z"), BAR_MS, (row.open, row.high, row.low, row.close),
        row.quote_volume,
    )], book)


def past_funding(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    rows = answered_rows(payload, _PastFunding, "fundingRates", book)
    times = [book.iso_time("fundingRates intervalEndTimestamp", f"{row.interval_end_timestamp}Z") for row in rows]
    return book.paid(index, [(time_ms, row.funding_rate) for time_ms, row in zip(times, rows, strict=True)])
