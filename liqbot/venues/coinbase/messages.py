"""Coinbase's public messages (Advanced Trade websocket): trades, and tickers every five seconds."""

from typing import Any, Final, TypeVar

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.parsing import (
    AMOUNT_MAX,
    NOT_OURS,
    PRICE_MAX,
    MalformedMessage,
    Parsed,
    WireBook,
    decoded,
)
from liqbot.venues.rows import BROKEN, foreign, typed_row

Row = TypeVar("Row")
_UPDATE: Final = "update"


class _Trade(msgspec.Struct, gc=False):
    product_id: str
    side: str
    price: float
    size: float
    """Contracts."""
    time: str


class _Ticker(msgspec.Struct, gc=False):
    product_id: str
    best_bid: Any = None
    best_ask: Any = None


class _Envelope(msgspec.Struct, gc=False):
    channel: str = ""


_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)
_PRODUCT: Final = "product_id"


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else; unreadable rows are left out
    and noted in the book."""
    try:
        channel = _ENVELOPE.decode(raw).channel
    except BROKEN:
        decoded(raw, book)
        return NOT_OURS
    if channel == "market_trades":
        return _trades(decoded(raw, book), book)
    if channel in ("ticker", "ticker_batch"):
        return _tickers(decoded(raw, book), book)
    return NOT_OURS


def _trades(frame: Any, book: WireBook) -> Parsed:
    """Newest first in a frame. The first event after subscribing tells trades of before, again after every
    reconnect."""
    parsed = Parsed([])
    for event in _events(frame, "market_trades", book):
        rows, ignored = _rows(event, "trades", _Trade, "market_trades", book)
        parsed.ignored += ignored
        if event.get("type") != _UPDATE:
            parsed.ignored += len(rows)
            continue
        for row in reversed(rows):
            try:
                _take(row, parsed, book)
            except MalformedMessage as error:
                book.reject(error, row)
    return parsed


def _take(row: _Trade, parsed: Parsed, book: WireBook) -> None:
    index = book.index_of[row.product_id]
    price = book.positive("market_trades price", row.price, PRICE_MAX)
    size = book.positive("market_trades size", row.size, AMOUNT_MAX)
    time_ms = book.iso_time("market_trades time", row.time)
    if row.side not in ("BUY", "SELL"):
        raise book.malformed("market_trades side", row.side)
    # The side is the maker's: who hit a resting SELL bought.
    parsed.trades.append((index, time_ms, price, book.contracts[index].usd(size, price), row.side == "SELL"))


def _tickers(frame: Any, book: WireBook) -> Parsed:
    parsed = Parsed(facts=[])
    for event in _events(frame, "ticker", book):
        rows, ignored = _rows(event, "tickers", _Ticker, "ticker", book)
        parsed.ignored += ignored
        if rows:
            time_ms = book.iso_time("ticker timestamp", book.convert(frame.get("timestamp"), str, "ticker timestamp"))
            for row in rows:
                parsed.facts += _marked(row, time_ms, book)
    return parsed


def _marked(row: _Ticker, time_ms: int, book: WireBook) -> list[MarketEvent]:
    bid = book.figure("ticker best_bid", row.best_bid, row)
    ask = book.figure("ticker best_ask", row.best_ask, row)
    try:
        return middle(book.index_of[row.product_id], time_ms, bid, ask, book)
    except MalformedMessage as error:
        book.reject(error, row)
        return []


def middle(index: int, time_ms: int, bid: float | None, ask: float | None, book: WireBook) -> list[MarketEvent]:
    """The venue tells no mark price: the middle of its order book stands for it. None while a side is empty."""
    return [] if not bid or not ask else book.mark(index, time_ms, (bid + ask) / 2.0, None)


def _events(frame: Any, what: str, book: WireBook) -> list[dict[str, Any]]:
    events = frame.get("events") if isinstance(frame, dict) else None
    if not isinstance(events, list) or not all(isinstance(event, dict) for event in events):
        raise book.malformed(f"{what} events", events, frame)
    return events


def _rows(event: dict[str, Any], name: str, shape: type[Row], what: str, book: WireBook) -> tuple[list[Row], int]:
    """The readable rows of our contracts, and how many were of others."""
    listed = event.get(name)
    if not isinstance(listed, list):
        raise book.malformed(f"{what} {name}", listed, event)
    own = [row for row in listed if not foreign(row, _PRODUCT, book)]
    typed = [typed_row(row, shape, what, book) for row in own]
    return [row for row in typed if row is not None], len(listed) - len(own)
