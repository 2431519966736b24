"""Aster's answers to requests for the premium index, funding intervals, open interest and the past."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.parsing import WireBook
from liqbot.venues.rows import answered_rows, each

BAR_MS: Final = 300_000


class _Premium(msgspec.Struct, rename="camel"):
    symbol: str
    mark_price: float
    time: int
    index_price: float | str | None = None
    last_funding_rate: float | str | None = None


class _Interval(msgspec.Struct, rename="camel"):
    symbol: str
    funding_interval_hours: float


class _OpenInterest(msgspec.Struct, rename="camel"):
    symbol: str
    open_interest: float
    time: int


class _Kline(msgspec.Struct, array_like=True):
    """`quote` volumes are in USDT. `bought`: what takers bought of each."""

    start_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    end_ms: int
    quote: float
    trades: int
    volume_bought: float
    quote_bought: float


class _PastFunding(msgspec.Struct, rename="camel"):
    funding_time: int
    funding_rate: float


def premium(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """Mark, index and the funding rate as it stands."""
    del now_ms
    rows = answered_rows(payload if isinstance(payload, list) else [payload], _Premium, "premiumIndex", book)
    known = [row for row in rows if row.symbol in book.index_of]
    return each(known, lambda row: _mark(row, book), book) + each(known, lambda row: _rate(row, book), book)


def _mark(row: _Premium, book: WireBook) -> list[MarketEvent]:
    index_price = book.figure("premiumIndex indexPrice", row.index_price, row)
    return book.mark(book.index_of[row.symbol], row.time, row.mark_price, index_price)


def _rate(row: _Premium, book: WireBook) -> list[MarketEvent]:
    rate = book.figure("premiumIndex lastFundingRate", row.last_funding_rate, row)
    return [] if rate is None else book.funding(book.index_of[row.symbol], row.time, rate)


def funding_intervals(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """Every contract is listed."""
    rows = answered_rows(payload, _Interval, "fundingInfo", book)
    known = [row for row in rows if row.symbol in book.index_of]
    return each(known, lambda row: book.funding(
        book.index_of[row.symbol], now_ms, None, row.funding_interval_hours
    ), book)


def open_interest(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """In coin, one side."""
    del now_ms
    answer = book.convert(payload, _OpenInterest, "openInterest")
    index = book.index_of.get(answer.symbol)
    return [] if index is None else book.open_interest(index, answer.time, answer.open_interest)


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """Klines carry the volume in USD, and how much of it takers bought."""
    return each(answered_rows(payload, _Kline, "klines", book), lambda row: [book.bar(
        index, row.start_ms, BAR_MS, (row.open, row.high, row.low, row.close), row.quote, row.quote_bought
    )], book)


def past_funding(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    rows = answered_rows(payload, _PastFunding, "fundingRate", book)
    return book.paid(index, [(row.funding_time, row.funding_rate) for row in rows])
