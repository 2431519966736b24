"""Coinbase's answers to requests for its futures and for the past (Advanced Trade REST v3)."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.parsing import MalformedMessage, WireBook
from liqbot.venues.rows import answered_rows, each, figures

BAR_MS: Final = 300_000


class _Details(msgspec.Struct):
    """Of one future. Rates are of one interval; `funding_time` is when the rate was or will be paid."""

    open_interest: Any = None
    funding_rate: Any = None
    funding_interval: str | None = None
    funding_time: str | None = None
    index_price: Any = None


class _Product(msgspec.Struct):
    product_id: str
    future_product_details: _Details
    mid_market_price: Any = None


class _Candle(msgspec.Struct):
    start: int
    """Seconds."""
    open: float
    high: float
    low: float
    close: float
    volume: float


def products(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """Middle of the order book (for the mark), index, open interest and funding of the contract that was requested."""
    facts: list[MarketEvent] = []
    for row in answered_rows(payload, _Product, "products", book, "products"):
        index = book.index_of.get(row.product_id)
        if index is not None:
            facts += figures(row, index, now_ms, (_marked, _funded, _interest), book)
    return facts


def _marked(row: _Product, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    price = book.figure("products mid_market_price", row.mid_market_price, row)
    return book.mark(index, time_ms, price, book.figure("products index_price", row.future_product_details.index_price,
                                                        row))


def _interest(row: _Product, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    """One side, in contracts."""
    amount = book.figure("products open_interest", row.future_product_details.open_interest, row)
    return [] if amount is None else book.open_interest(index, time_ms, amount)


def _funded(row: _Product, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    """A settlement when its time is past, reported once; else a forecast."""
    details = row.future_product_details
    rate = book.figure("products funding_rate", details.funding_rate, row)
    if rate is None or not details.funding_interval or not details.funding_time:
        return []
    interval_h = _seconds(details.funding_interval, book) / 3_600.0
    due_ms = book.iso_time("products funding_time", details.funding_time)
    if due_ms > time_ms:
        return book.funding(index, time_ms, rate, interval_h)
    quote = book.quotes[index]
    quote.interval_h = interval_h
    if due_ms <= quote.funding_ms:
        return []
    quote.funding_ms = due_ms
    return book.paid(index, [(due_ms, rate)])


def _seconds(text: str, book: WireBook) -> float:
    """`3600s`."""
    try:
        return book.positive("products funding_interval", float(text.removesuffix("s")), 31.0 * 86_400.0)
    except ValueError as error:
        if isinstance(error, MalformedMessage):
            raise
        raise book.malformed("products funding_interval", text) from None


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """Volume in contracts, valued at the mean of the four prices. No taker split."""

    def bar(row: _Candle) -> list[MarketEvent]:
        prices = (row.open, row.high, row.low, row.close)
        volume_usd = book.contracts[index].usd(row.volume, sum(prices) / 4.0)
        return [book.bar(index, row.start * 1_000, BAR_MS, prices, volume_usd)]

    return each(answered_rows(payload, _Candle, "candles", book, "candles"), bar, book)
