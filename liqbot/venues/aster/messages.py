"""Aster's public messages: aggregate trades, mark price with funding, forced orders, wrapped in their stream's name."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.frames import closed_side, frame_of, printed, prints, taker_bought, typed_rows, word
from liqbot.venues.parsing import NOT_OURS, Parsed, Trade, WireBook
from liqbot.venues.rows import each, figures


class _AggTrade(msgspec.Struct, gc=False):
    price: float = msgspec.field(name="p")
    amount: float = msgspec.field(name="q")
    time_ms: int = msgspec.field(name="T")
    buyer_is_maker: bool = msgspec.field(name="m")


class _Mark(msgspec.Struct, gc=False):
    event_ms: int = msgspec.field(name="E")
    mark_price: float = msgspec.field(name="p")
    index_price: float | str | None = msgspec.field(name="i", default=None)
    rate: float | str | None = msgspec.field(name="r", default=None)


class _Forced(msgspec.Struct, gc=False):
    side: str = msgspec.field(name="S")
    price: float = msgspec.field(name="p")
    average_price: float = msgspec.field(name="ap")
    filled: float = msgspec.field(name="z")
    time_ms: int = msgspec.field(name="T")


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else."""
    frame = frame_of(raw, book)
    data = frame.get("data", frame)
    read = _KINDS.get(word(data, "e"))
    if read is None:
        return NOT_OURS
    row = data.get("o") if word(data, "e") == "forceOrder" else data
    index = book.index_of.get(word(row, "s"))
    return Parsed(ignored=1) if index is None else read(row, index, book)


def _trades(row: Any, index: int, book: WireBook) -> Parsed:
    """The taker bought when the buyer was not the maker. What the insurance fund takes over and what is deleveraged is
    no aggregate trade."""

    def trade(one: _AggTrade) -> Trade:
        return printed(book, index, one.time_ms, one.price, one.amount, bought=not one.buyer_is_maker)

    return Parsed(prints(typed_rows([row], _AggTrade, "aggTrade", book), trade, book))


def _marks(row: Any, index: int, book: WireBook) -> Parsed:
    parsed = Parsed()
    for one in typed_rows([row], _Mark, "markPriceUpdate", book):
        parsed.facts += figures(one, index, one.event_ms, _FIGURES, book)
    return parsed


def _marked(row: _Mark, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    return book.mark(index, time_ms, row.mark_price, book.figure("markPriceUpdate i", row.index_price, row))


def _funded(row: _Mark, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    rate = book.figure("markPriceUpdate r", row.rate, row)
    return [] if rate is None else book.funding(index, time_ms, rate)


_FIGURES: Final = (_marked, _funded)


def _forced(row: Any, index: int, book: WireBook) -> Parsed:
    """The side is the order's: a sell closed a long. The price is the order's own; the size is what was filled in all
    (not the last fill), at the average price it was filled at. One that was not filled has closed nothing."""

    def forced(one: _Forced) -> list[MarketEvent]:
        side = closed_side(bought=taker_bought(one.side, book))
        fill_price = one.average_price if one.average_price > 0.0 else one.price
        return [book.liquidation(index, one.time_ms, side, one.price, one.filled, fill_price)]

    rows = typed_rows([row], _Forced, "forceOrder", book)
    filled = [one for one in rows if one.filled != 0.0]
    return Parsed(facts=each(filled, forced, book), ignored=len(rows) - len(filled))


_KINDS: Final[dict[str, Callable[[Any, int, WireBook], Parsed]]] = {
    "aggTrade": _trades, "markPriceUpdate": _marks, "forceOrder": _forced,
}
