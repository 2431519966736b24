"""Pacifica's answers to requests for the past."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.frames import listed
from liqbot.venues.parsing import WireBook
from liqbot.venues.rows import answered_rows, each

BAR_MS: Final = 300_000


class _Candle(msgspec.Struct):
    """Volume is in coin. Nothing says how much of it takers bought."""

    start_ms: int = msgspec.field(name="t")
    open: float = msgspec.field(name="o")
    high: float = msgspec.field(name="h")
    low: float = msgspec.field(name="l")
    close: float = msgspec.field(name="c")
    volume: float = msgspec.field(name="v")


class _PastFunding(msgspec.Struct):
    """Paid at the time of the row; `next_funding_rate` belongs to the hour after it."""

    funding_rate: float
    created_at: int


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    rows = answered_rows(listed(payload, "kline", book, "data"), _Candle, "kline", book)
    return each(rows, lambda row: [book.bar(
        index, row.start_ms, BAR_MS, (row.open, row.high, row.low, row.close),
        book.contracts[index].usd(row.volume, row.close),
    )], book)


def past_funding(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    rows = answered_rows(listed(payload, "funding", book, "data"), _PastFunding, "funding", book)
    return book.paid(index, [(row.created_at, row.funding_rate) for row in rows])
