"""Binance's public messages: aggregate trades, mark price with funding, forced orders. One event per message."""

from typing import Final

import msgspec

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
    index_price: float | None = msgspec.field(name="i", default=None)
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
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        unwrapped = _unwrapped(raw, book, error)
        return NOT_OURS if unwrapped is None else _read(unwrapped, book)
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
    index = book.index_of.get(message.symbol)
    if index is None:
        return Parsed(ignored=1)
    facts = book.mark(index, message.event_ms, message.mark_price, message.index_price)
    if message.next_ms and message.rate not in (None, ""):
        rate = message.rate
        if not isinstance(rate, float):
            rate = book.convert(rate, float, "markPriceUpdate r")
        facts += book.funding(index, message.event_ms, rate)
    return Parsed(facts=facts)


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


def _unwrapped(raw: str | bytes, book: WireBook, error: Exception) -> _Message | None:
    """A message from a combined stream, which wraps each in its stream's name; None for what is not ours."""
    message = decoded(raw, book)
    inner = message.get("data", message) if isinstance(message, dict) else None
    if not isinstance(inner, dict) or inner.get("e") not in _KINDS:
        return None
    if inner is message:
        raise book.malformed(inner["e"], error)
    found: _Message = book.convert(inner, _Message, inner["e"])  # type: ignore[arg-type]
    return found
