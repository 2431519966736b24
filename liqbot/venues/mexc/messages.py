"""MEXC's public messages: deals, tickers (fair price, index, funding, open interest) and funding rates.

Volumes are in contracts. The fair price is the mark.
"""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.parsing import NOT_OURS, Parsed, WireBook, decoded
from liqbot.venues.public_trades import taker_bought, trade_of
from liqbot.venues.rows import BROKEN, figures, foreign, typed_row
from liqbot.venues.tickers import ticker_row


class _Deal(msgspec.Struct, gc=False):
    """`T`: 1 the taker bought, 2 the taker sold."""

    price: float = msgspec.field(name="p")
    contracts: float = msgspec.field(name="v")
    taker: int = msgspec.field(name="T")
    time_ms: int = msgspec.field(name="t")


class _Deals(msgspec.Struct, tag_field="channel", tag="push.deal", gc=False):
    """A list; one deal alone in the documentation's example of former years."""

    symbol: str
    data: list[_Deal] | _Deal


_DEALS: Final = msgspec.json.Decoder(_Deals, strict=False)


class MexcTicker(msgspec.Struct, gc=False, rename="camel"):
    """Of the stream and of the answer alike."""

    symbol: str
    timestamp: int
    fair_price: float | str | None = None
    index_price: float | str | None = None
    funding_rate: float | str | None = None
    hold_vol: float | str | None = None
    """Open interest in contracts."""


class _Rate(msgspec.Struct, gc=False):
    symbol: str
    rate: float


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else; of a frame of many rows the
    unreadable ones are left out and noted in the book."""
    try:
        deals = _DEALS.decode(raw)
    except BROKEN:
        return _other(decoded(raw, book), book)
    index = book.index_of.get(deals.symbol)
    if index is None:
        return Parsed(ignored=1)
    return _deals(deals.data if isinstance(deals.data, list) else [deals.data], index, book)


def _deals(rows: list[_Deal], index: int, book: WireBook) -> Parsed:
    """Deals that an account made with itself count like any other: they were made in the order book."""
    trades = [
        trade_of(book, "push.deal", row, index, row.time_ms, row.price, row.contracts,
                 bought=taker_bought(row.taker, 1, 2))
        for row in rows
    ]
    return Parsed([one for one in trades if one is not None])


def _other(frame: Any, book: WireBook) -> Parsed:
    channel = frame.get("channel") if isinstance(frame, dict) else None
    if channel not in ("push.deal", "push.ticker", "push.funding.rate"):
        return NOT_OURS
    if foreign(frame, "symbol", book):
        return Parsed(ignored=1)
    index = book.index_of.get(frame["symbol"]) if isinstance(frame.get("symbol"), str) else None
    if index is None:
        raise book.malformed(f"{channel} symbol", frame.get("symbol"), frame)
    if channel == "push.deal":
        data = frame.get("data")
        rows = [typed_row(row, _Deal, "push.deal", book) for row in (data if isinstance(data, list) else [data])]
        return _deals([row for row in rows if row is not None], index, book)
    if channel == "push.ticker":
        return Parsed(facts=ticker_facts(ticker_row(frame.get("data"), MexcTicker, channel, book), index, book))
    rate = book.convert(frame.get("data"), _Rate, channel)
    return Parsed(facts=book.funding(index, book.convert(frame.get("ts"), int, f"{channel} ts"), rate.rate))


def ticker_facts(ticker: MexcTicker, index: int, book: WireBook) -> list[MarketEvent]:
    """Each figure is read apart: an unreadable one does not cost the others."""
    return figures(ticker, index, ticker.timestamp, _READERS, book)


def _marked(ticker: MexcTicker, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    mark_price = book.figure("ticker fairPrice", ticker.fair_price, ticker)
    return book.mark(index, time_ms, mark_price, book.figure("ticker indexPrice", ticker.index_price, ticker))


def _funded(ticker: MexcTicker, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    return book.funding(index, time_ms, book.figure("ticker fundingRate", ticker.funding_rate, ticker))


def _interest(ticker: MexcTicker, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    contracts = book.figure("ticker holdVol", ticker.hold_vol, ticker)
    return [] if contracts is None else book.open_interest(index, time_ms, contracts)


_READERS: Final = (_marked, _funded, _interest)
