"""BingX's public messages about USDT perpetuals: trades in coin, and the mark price."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.parsing import NOT_OURS, Parsed, WireBook, decoded
from liqbot.venues.public_trades import trade_of
from liqbot.venues.rows import BROKEN, foreign, typed_row

TRADES: Final = "@trade"
MARK: Final = "@markPrice"


class _Trade(msgspec.Struct, gc=False):
    """Without an id: rows that are alike are trades of their own."""

    symbol: str = msgspec.field(name="s")
    price: float = msgspec.field(name="p")
    amount: float = msgspec.field(name="q")
    time_ms: int = msgspec.field(name="T")
    buyer_is_maker: bool = msgspec.field(name="m")


class _Trades(msgspec.Struct, gc=False):
    kind: str = msgspec.field(name="dataType")
    data: list[_Trade]
    """The newest first."""


class _Mark(msgspec.Struct, gc=False):
    symbol: str = msgspec.field(name="s")
    event_ms: int = msgspec.field(name="E")
    price: float = msgspec.field(name="p")


_TRADES: Final = msgspec.json.Decoder(_Trades, strict=False)


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else; of a frame of many rows the
    unreadable ones are left out and noted in the book."""
    try:
        frame = _TRADES.decode(raw)
    except BROKEN:
        return _other(decoded(raw, book), book)
    return _trades(frame.data, book) if frame.kind.endswith(TRADES) else NOT_OURS


def _trades(rows: list[_Trade], book: WireBook) -> Parsed:
    parsed = Parsed()
    trades = []
    for row in reversed(rows):
        index = book.index_of.get(row.symbol)
        if index is None:
            parsed.ignored += 1
            continue
        # The taker bought when the buyer was not the maker.
        found = trade_of(book, "trade", row, index, row.time_ms, row.price, row.amount, bought=not row.buyer_is_maker)
        if found is not None:
            trades.append(found)
    parsed.trades = trades
    return parsed


def _other(frame: Any, book: WireBook) -> Parsed:
    kind = frame.get("dataType") if isinstance(frame, dict) else None
    if not isinstance(kind, str) or not kind.endswith((TRADES, MARK)):
        return NOT_OURS
    data = frame.get("data")
    if kind.endswith(MARK):
        if foreign(data, "s", book):
            return Parsed(ignored=1)
        return Parsed(facts=_marked(book.convert(data, _Mark, "markPrice"), book))
    if not isinstance(data, list):
        raise book.malformed("trade", data, frame)
    own = [row for row in data if not foreign(row, "s", book)]
    typed = [typed_row(row, _Trade, "trade", book) for row in own]
    parsed = _trades([row for row in typed if row is not None], book)
    parsed.ignored += len(data) - len(own)
    return parsed


def _marked(row: _Mark, book: WireBook) -> list[MarketEvent]:
    return book.mark(book.index_of[row.symbol], row.event_ms, row.price, None)
