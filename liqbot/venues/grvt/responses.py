"""GRVT's answers to requests for the past; times in nanoseconds."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.grvt.messages import MS_NS
from liqbot.venues.parsing import WireBook
from liqbot.venues.rows import answered_rows, each

BAR_MS: Final = 300_000


class _Candle(msgspec.Struct):
    """`volume_q` is in USDT. Nothing says how much of it takers bought."""

    open_time: int
    open: float
    high: float
    low: float
    close: float
    volume_q: float


class _PastFunding(msgspec.Struct):
    """In percent."""

    funding_rate: float
    funding_time: int


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    return each(answered_rows(payload, _Candle, "kline", book, "result"), lambda row: [book.bar(
        index, row.open_time // MS_NS, BAR_MS, (row.open, row.high, row.low, row.close), row.volume_q,
    )], book)


def past_funding(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    rows = answered_rows(payload, _PastFunding, "funding", book, "result")
    return book.paid(index, [(row.funding_time // MS_NS, row.funding_rate / 100.0) for row in rows])
