"""Backpack's public messages: trades, mark price with funding, open interest, forced orders; times in microseconds."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.instruments import Side
from liqbot.venues.frames import frame_of, printed, prints, typed_rows, word
from liqbot.venues.parsing import NOT_OURS, Parsed, Trade, WireBook
from liqbot.venues.rows import each, figures

_CLOSED: Final = {"Ask": Side.LONG, "Bid": Side.SHORT}
"""A forced sale closed a long."""


class _Trade(msgspec.Struct, gc=False):
    price: float = msgspec.field(name="p")
    amount: float = msgspec.field(name="q")
    time_us: int = msgspec.field(name="T")
    buyer_is_maker: bool = msgspec.field(name="m")


class _Mark(msgspec.Struct, gc=False):
    time_us: int = msgspec.field(name="E")
    mark_price: float = msgspec.field(name="p")
    index_price: float | str | None = msgspec.field(name="i", default=None)
    rate: float | str | None = msgspec.field(name="f", default=None)


class _OpenInterest(msgspec.Struct, gc=False):
    """In contracts of one coin."""

    time_us: int = msgspec.field(name="E")
    contracts: float = msgspec.field(name="o")


class _Liquidation(msgspec.Struct, gc=False):
    side: str = msgspec.field(name="S")
    price: float = msgspec.field(name="p")
    amount: float = msgspec.field(name="q")
    time_us: int = msgspec.field(name="T")


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else."""
    data = frame_of(raw, book).get("data")
    read = _KINDS.get(word(data, "e"))
    if read is None:
        return NOT_OURS
    index = book.index_of.get(word(data, "s"))
    return Parsed(ignored=1) if index is None else read(data, index, book)


def _trades(data: Any, index: int, book: WireBook) -> Parsed:
    """The taker bought when the buyer was not the maker. Those that liquidations made are among them."""

    def trade(row: _Trade) -> Trade:
        return printed(book, index, row.time_us // 1_000, row.price, row.amount, bought=not row.buyer_is_maker)

    return Parsed(prints(typed_rows([data], _Trade, "trade", book), trade, book))


def _marks(data: Any, index: int, book: WireBook) -> Parsed:
    parsed = Parsed()
    for row in typed_rows([data], _Mark, "markPrice", book):
        parsed.facts += figures(row, index, row.time_us // 1_000, _FIGURES, book)
    return parsed


def _marked(row: _Mark, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    return book.mark(index, time_ms, row.mark_price, book.figure("markPrice i", row.index_price, row))


def _funded(row: _Mark, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    rate = book.figure("markPrice f", row.rate, row)
    return [] if rate is None else book.funding(index, time_ms, rate)


_FIGURES: Final = (_marked, _funded)


def _interest(data: Any, index: int, book: WireBook) -> Parsed:
    rows = typed_rows([data], _OpenInterest, "openInterest", book)
    return Parsed(facts=each(rows, lambda row: book.open_interest(index, row.time_us // 1_000, row.contracts), book))


def _forced(data: Any, index: int, book: WireBook) -> Parsed:
    def forced(row: _Liquidation) -> list[MarketEvent]:
        side = _CLOSED.get(row.side)
        if side is None:
            raise book.malformed("liquidation S", row.side)
        return [book.liquidation(index, row.time_us // 1_000, side, row.price, row.amount)]

    return Parsed(facts=each(typed_rows([data], _Liquidation, "liquidation", book), forced, book))


_KINDS: Final[dict[str, Callable[[Any, int, WireBook], Parsed]]] = {
    "trade": _trades, "markPrice": _marks, "openInterest": _interest, "liquidation": _forced,
}
