"""Extended's answers to requests for markets (mark, index, open interest, funding), candles and past funding."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.parsing import WireBook
from liqbot.venues.rows import answered_rows, each, figures

BAR_MS: Final = 300_000


class _Stats(msgspec.Struct, rename="camel"):
    """`openInterest` is in USD, `openInterestBase` in coin; `nextFundingRate` is a time."""

    mark_price: float | str | None = None
    index_price: float | str | None = None
    funding_rate: float | str | None = None
    open_interest: float | str | None = None


class _Market(msgspec.Struct, rename="camel"):
    name: str
    market_stats: _Stats


class _Candle(msgspec.Struct):
    """Volume is in coin. Nothing says how much of it takers bought."""

    start_ms: int = msgspec.field(name="T")
    open: float = msgspec.field(name="o")
    high: float = msgspec.field(name="h")
    low: float = msgspec.field(name="l")
    close: float = msgspec.field(name="c")
    volume: float | None = msgspec.field(name="v", default=None)


class _PastFunding(msgspec.Struct):
    rate: float = msgspec.field(name="f")
    time_ms: int = msgspec.field(name="T")


def markets(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """Answers carry no time of their own."""
    facts: list[MarketEvent] = []
    for row in answered_rows(payload, _Market, "markets", book, "data"):
        index = book.index_of.get(row.name)
        if index is not None:
            facts += figures(row.market_stats, index, now_ms, _FIGURES, book)
    return facts


def _marked(row: _Stats, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    mark_price = book.figure("marketStats markPrice", row.mark_price, row)
    return book.mark(index, time_ms, mark_price, book.figure("marketStats indexPrice", row.index_price, row))


def _opened(row: _Stats, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    oi_usd = book.figure("marketStats openInterest", row.open_interest, row)
    return [] if oi_usd is None else book.open_interest_usd(index, time_ms, oi_usd)


def _funded(row: _Stats, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    rate = book.figure("marketStats fundingRate", row.funding_rate, row)
    return [] if rate is None else book.funding(index, time_ms, rate)


_FIGURES: Final = (_marked, _opened, _funded)


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    return each(answered_rows(payload, _Candle, "candles", book, "data"), lambda row: [book.bar(
        index, row.start_ms, BAR_MS, (row.open, row.high, row.low, row.close),
        book.contracts[index].usd(row.volume or 0.0, row.close),
    )], book)


def past_funding(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    rows = answered_rows(payload, _PastFunding, "funding", book, "data")
    return book.paid(index, [(row.time_ms, row.rate) for row in rows])
