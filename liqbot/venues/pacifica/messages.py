"""Pacifica's public messages: trades, which say why they were made, and prices of all its markets at once."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.instruments import Side
from liqbot.venues.frames import frame_of, listed, printed, typed_rows, word
from liqbot.venues.parsing import NOT_OURS, MalformedMessage, Parsed, WireBook
from liqbot.venues.rows import figures

_BOUGHT: Final = {"open_long": True, "close_short": True, "open_short": False, "close_long": False}
_CLOSED: Final = {"close_long": Side.LONG, "close_short": Side.SHORT}
_IN_BOOK: Final = ("normal", "market_liquidation")
_FORCED: Final = ("market_liquidation", "backstop_liquidation")
_CAUSES: Final = (*_IN_BOOK, "backstop_liquidation", "settlement")


class _Trade(msgspec.Struct, gc=False):
    symbol: str = msgspec.field(name="s")
    amount: float = msgspec.field(name="a")
    price: float = msgspec.field(name="p")
    side: str = msgspec.field(name="d")
    cause: str = msgspec.field(name="tc")
    time_ms: int = msgspec.field(name="t")


class _Prices(msgspec.Struct, gc=False):
    symbol: str
    timestamp: int
    mark: float
    oracle: float | str | None = None
    open_interest: float | str | None = None
    next_funding: float | str | None = None


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else."""
    frame = frame_of(raw, book)
    channel = word(frame, "channel")
    if channel == "trades":
        return _trades(listed(frame, "trades", book, "data"), book)
    if channel == "prices":
        return _prices(listed(frame, "prices", book, "data"), book)
    return NOT_OURS


def _trades(rows: list[Any], book: WireBook) -> Parsed:
    parsed = Parsed()
    for row in typed_rows(rows, _Trade, "trade", book):
        index = book.index_of.get(row.symbol)
        if index is None:
            parsed.ignored += 1
            continue
        try:
            _take(row, index, parsed, book)
        except MalformedMessage as error:
            book.reject(error, row)
    return parsed


def _take(row: _Trade, index: int, parsed: Parsed, book: WireBook) -> None:
    """The side is the taker's, who at a forced trade is the account that is liquidated. What the backstop takes over
    and what a delisted market is settled at never was in the order book."""
    if row.cause not in _CAUSES or row.side not in _BOUGHT:
        raise book.malformed("trade cause or side", (row.cause, row.side))
    trade = printed(book, index, row.time_ms, row.price, row.amount, bought=_BOUGHT[row.side])
    if row.cause in _FORCED:
        if row.side not in _CLOSED:
            raise book.malformed("forced side", row.side)
        parsed.facts.append(book.liquidation(index, row.time_ms, _CLOSED[row.side], row.price, row.amount))
    if row.cause in _IN_BOOK:
        parsed.trades.append(trade)
    else:
        book.off_book += 1


def _prices(rows: list[Any], book: WireBook) -> Parsed:
    """One frame holds all markets; those outside the book are not even read."""
    ours = [row for row in rows if not isinstance(row, dict) or word(row, "symbol") in book.index_of]
    parsed = Parsed(ignored=len(rows) - len(ours))
    for row in typed_rows(ours, _Prices, "prices", book):
        parsed.facts += figures(row, book.index_of[row.symbol], row.timestamp, _FIGURES, book)
    return parsed


def _marked(row: _Prices, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    return book.mark(index, time_ms, row.mark, book.figure("prices oracle", row.oracle, row))


def _opened(row: _Prices, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    amount = book.figure("prices open_interest", row.open_interest, row)
    return [] if amount is None else book.open_interest(index, time_ms, amount)


def _funded(row: _Prices, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    rate = book.figure("prices next_funding", row.next_funding, row)
    return [] if rate is None else book.funding(index, time_ms, rate)


_FIGURES: Final = (_marked, _opened, _funded)
