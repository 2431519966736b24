"""Topics that WOO X and Orderly speak alike: trades, mark price, estimated funding, open interest of a contract.

Figures come with the name of their contract; the time is that of the frame.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.frames import printed, prints, taker_bought, typed_rows
from liqbot.venues.parsing import NOT_OURS, Parsed, Trade, WireBook
from liqbot.venues.rows import each


class _Print(msgspec.Struct, gc=False):
    price: float
    amount: float = msgspec.field(name="size")
    side: str
    source: int | None = None
    """Of WOO X alone. What comes from source 0 is not said; a data vendor's reader takes it for no trade of the order
    book since 2026, and so does this one."""


class _Price(msgspec.Struct, gc=False):
    price: float


class _Funding(msgspec.Struct, gc=False, rename="camel"):
    """As it is expected to be paid at `fundingTs`."""

    funding_rate: float


class _OpenInterest(msgspec.Struct, gc=False, rename="camel"):
    """In coin, one side."""

    open_interest: float


def topic_of(contract_id: str, topic: str) -> dict[str, str]:
    """What subscribes to another topic than the one that the unified client's method is made for."""
    return {"topic": f"{contract_id}@{topic}"}


def read_topic(frame: dict[str, Any], topic: str, book: WireBook) -> Parsed:
    """The message of one contract under `topic`; not ours where it is none of these."""
    contract_id, _, kind = topic.partition("@")
    read = _KINDS.get(kind)
    if read is None:
        return NOT_OURS
    index = book.index_of.get(contract_id)
    if index is None:
        return Parsed(ignored=1)
    time_ms = frame.get("ts")
    if type(time_ms) is not int:
        raise book.malformed(f"{kind} ts", time_ms, frame)
    return read(frame.get("data"), index, time_ms, book)


def _trades(data: Any, index: int, time_ms: int, book: WireBook) -> Parsed:
    def trade(row: _Print) -> Trade:
        return printed(book, index, time_ms, row.price, row.amount, bought=taker_bought(row.side, book))

    rows = typed_rows([data], _Print, "trade", book)
    on_book = [row for row in rows if row.source != 0]
    book.off_book += len(rows) - len(on_book)
    return Parsed(prints(on_book, trade, book))


def _mark(data: Any, index: int, time_ms: int, book: WireBook) -> Parsed:
    def mark(row: _Price) -> list[MarketEvent]:
        return book.mark(index, time_ms, row.price, None)

    return Parsed(facts=each(typed_rows([data], _Price, "markprice", book), mark, book))


def _funding(data: Any, index: int, time_ms: int, book: WireBook) -> Parsed:
    def funding(row: _Funding) -> list[MarketEvent]:
        return book.funding(index, time_ms, row.funding_rate)

    return Parsed(facts=each(typed_rows([data], _Funding, "estfundingrate", book), funding, book))


def _open_interest(data: Any, index: int, time_ms: int, book: WireBook) -> Parsed:
    def interest(row: _OpenInterest) -> list[MarketEvent]:
        return book.open_interest(index, time_ms, row.open_interest)

    return Parsed(facts=each(typed_rows([data], _OpenInterest, "openinterest", book), interest, book))


_KINDS: Final[dict[str, Callable[[Any, int, int, WireBook], Parsed]]] = {
    "trade": _trades, "markprice": _mark, "estfundingrate": _funding, "openinterest": _open_interest,
}
