"""Binance's public messages: aggregate trades, mark price with funding, forced orders. One event per message."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.instruments import Side
from liqbot.venues.parsing import (
    AMOUNT_MAX,
    NOT_OURS,
    PRICE_MAX,
    TIME_MS_MAX,
    Parsed,
    WireBook,
    decoded,
)
from liqbot.venues.rows import BROKEN, fault_of, figures


class _AggTrade(msgspec.Struct, tag_field="e", tag="aggTrade", gc=False):
    symbol: str = msgspec.field(name="s")
    price: float = msgspec.field(name="p")
    amount: float = msgspec.field(name="q")
    time_ms: int = msgspec.field(name="T")
    buyer_is_maker: bool = msgspec.field(name="m")


class _Mark(msgspec.Struct, tag_field="e", tag="markPriceUpdate", gc=False):
    """Funding is empty or its time 0 on contracts that pay none."""

    event_ms: int = msgspec.field(name="E")
    symbol: str = msgspec.field(name="s")
    mark_price: float = msgspec.field(name="p")
    index_price: float | str | None = msgspec.field(name="i", default=None)
    rate: float | str | None = msgspec.field(name="r", default=None)
    next_ms: int | None = msgspec.field(name="T", default=None)


class _Forced(msgspec.Struct, gc=False):
    symbol: str = msgspec.field(name="s")
    side: str = msgspec.field(name="S")
    average_price: float = msgspec.field(name="ap")
    price: float = msgspec.field(name="p")
    filled: float = msgspec.field(name="z")
    time_ms: int = msgspec.field(name="T")


class _ForceOrder(msgspec.Struct, tag_field="e", tag="forceOrder", gc=False):
    order: _Forced = msgspec.field(name="o")


_Message = _AggTrade | _Mark | _ForceOrder
_KINDS: Final = ("aggTrade", "markPriceUpdate", "forceOrder")
_DECODER: Final = msgspec.json.Decoder(_Message, strict=False)


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else."""
    try:
        message = _DECODER.decode(raw)
    except BROKEN as error:
        return _unwrapped(raw, book, error)
    return _read(message, book)


def _read(message: _Message, book: WireBook) -> Parsed:
    if type(message) is _AggTrade:
        index = book.index_of.get(message.symbol)
        if index is None:
            return Parsed(ignored=1)
        price, amount, time_ms = message.price, message.amount, message.time_ms
        if not (0.0 < price < PRICE_MAX and 0.0 < amount < AMOUNT_MAX and 0 < time_ms < TIME_MS_MAX):
            raise book.malformed("aggTrade", (time_ms, price, amount))
        per_price, flat = book.factors[index]
        # The taker bought when the buyer was not the maker.
        return Parsed([(index, time_ms, price, amount * (per_price * price + flat), not message.buyer_is_maker)])
    if type(message) is _Mark:
        return _mark(message, book)
    return _forced(message.order, book)  # type: ignore[union-attr]


def _mark(message: _Mark, book: WireBook) -> Parsed:
    """Mark, index and funding are read apart: an unreadable one does not cost the others."""
    index = book.index_of.get(message.symbol)
    if index is None:
        return Parsed(ignored=1)
    return Parsed(facts=figures(message, index, message.event_ms, _FIGURES, book))


def _marked(message: _Mark, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    index_price = book.figure("markPriceUpdate i", message.index_price, message)
    return book.mark(index, time_ms, message.mark_price, index_price)


def _funded(message: _Mark, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    rate = book.figure("markPriceUpdate r", message.rate, message)
    return book.funding(index, time_ms, rate) if message.next_ms and rate is not None else []


_FIGURES: Final = (_marked, _funded)


def _forced(order: _Forced, book: WireBook) -> Parsed:
    """The venue gives the side of the order, so a sell closed a long. The price is the order's own, which is the
    bankruptcy price; the size is what was filled in all (not the last fill), at the average price it was filled at."""
    index = book.index_of.get(order.symbol)
    if index is None:
        return Parsed(ignored=1)
    if order.side not in ("SELL", "BUY"):
        raise book.malformed("forceOrder S", order.side)
    if order.filled == 0.0:
        return Parsed(ignored=1)
    side = Side.LONG if order.side == "SELL" else Side.SHORT
    fill_price = order.average_price if order.average_price > 0.0 else order.price
    return Parsed(facts=[book.liquidation(index, order.time_ms, side, order.price, order.filled, fill_price)])


def _unwrapped(raw: str | bytes, book: WireBook, error: Exception) -> Parsed:
    """A message from a combined stream, which wraps each in its stream's name, or one that does not fit."""
    message = decoded(raw, book)
    inner = message.get("data", message) if isinstance(message, dict) else None
    if not isinstance(inner, dict) or inner.get("e") not in _KINDS:
        return NOT_OURS
    if _foreign(inner, book):
        return Parsed(ignored=1)
    if inner is message:
        raise fault_of(inner, error, inner["e"], book)
    return _read(book.convert(inner, _Message, inner["e"]), book)  # type: ignore[arg-type]


def _foreign(message: dict[str, Any], book: WireBook) -> bool:
    order = message.get("o") if message["e"] == "forceOrder" else message
    named = order.get("s") if isinstance(order, dict) else None
    return isinstance(named, str) and named not in book.index_of
