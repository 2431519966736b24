"""Bullish's answers to requests for index prices and the past. Past rates are fractions, those of ticks percent."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.parsing import WireBook
from liqbot.venues.rows import answered_rows, each

BAR_MS: Final = 300_000
HOUR_MS: Final = 3_600_000
_LAST_SECOND_MS: Final = HOUR_MS - 1_000


class _Index(msgspec.Struct, rename="camel"):
    asset_symbol: str
    price: float
    updated_at_datetime: str


class _Candle(msgspec.Struct, rename="camel"):
    """Volume is in coin. Nothing says how much of it takers bought."""

    open: float
    high: float
    low: float
    close: float
    volume: float
    created_at_datetime: str


class _PastFunding(msgspec.Struct, rename="camel"):
    funding_rate: float
    updated_at_datetime: str


def index_price(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """Of an asset in USD, for the contracts on it; it goes with the next mark."""
    del now_ms
    row = book.convert(payload, _Index, "index-prices")
    time_ms = book.iso_time("index-prices updatedAtDatetime", row.updated_at_datetime)
    found = [index for index, contract in enumerate(book.contracts) if contract.coin == row.asset_symbol]
    return each(found, lambda index: book.mark(index, time_ms, None, row.price), book)


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    def bar(row: _Candle) -> list[MarketEvent]:
        start_ms = book.iso_time("candle createdAtDatetime", row.created_at_datetime)
        prices = (row.open, row.high, row.low, row.close)
        return [book.bar(index, start_ms, BAR_MS, prices, book.contracts[index].usd(row.volume, row.close))]

    return each(answered_rows(payload, _Candle, "candle", book), bar, book)


def past_funding(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """A row is as of the last change in its hour, and paid at the hour's end; what has changed before the last second
    is the running hour's, and not paid yet."""
    payments = []
    for row in answered_rows(payload, _PastFunding, "funding-rate", book):
        time_ms = book.iso_time("funding-rate updatedAtDatetime", row.updated_at_datetime)
        if time_ms % HOUR_MS >= _LAST_SECOND_MS:
            payments.append(((time_ms // HOUR_MS + 1) * HOUR_MS, row.funding_rate))
    return book.paid(index, payments)
