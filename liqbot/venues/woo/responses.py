"""WOO X's answers to requests for a contract's figures, candles and past funding."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.frames import within
from liqbot.venues.parsing import WireBook
from liqbot.venues.rows import answered_rows, each

BAR_MS: Final = 300_000


class _Figures(msgspec.Struct, rename="camel"):
    symbol: str
    mark_price: float
    index_price: float | str | None = None


class _Candle(msgspec.Struct, rename="camel"):
    """The amount is the volume in USDT. Nothing says how much of it takers bought."""

    start_timestamp: int
    open: float
    high: float
    low: float
    close: float
    amount: float


class _PastFunding(msgspec.Struct, rename="camel"):
    funding_rate: float
    funding_rate_timestamp: int


def marks(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """Mark and index."""
    stated_ms = within(payload, "timestamp")
    time_ms = stated_ms if type(stated_ms) is int else now_ms
    rows = answered_rows(payload, _Figures, "futures", book, "data", "rows")

    def mark(row: _Figures) -> list[MarketEvent]:
        index_price = book.figure("futures indexPrice", row.index_price, row)
        return book.mark(book.index_of[row.symbol], time_ms, row.mark_price, index_price)

    return each((row for row in rows if row.symbol in book.index_of), mark, book)


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    rows = answered_rows(payload, _Candle, "klineHistory", book, "data", "rows")
    return each(rows, lambda row: [book.bar(
        index, row.start_timestamp, BAR_MS, (row.open, row.high, row.low, row.close), row.amount
    )], book)


def past_funding(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    rows = answered_rows(payload, _PastFunding, "fundingRateHistory", book, "data", "rows")
    return book.paid(index, [(row.funding_rate_timestamp, row.funding_rate) for row in rows])
