"""Bitfinex's public messages: lists that begin with the number of a channel, which was given on subscribing.

Trades, the status of a derivative (mark, funding, open interest), and forced orders of every pair. Amounts in coin.
"""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.instruments import Side
from liqbot.venues.parsing import NOT_OURS, MalformedMessage, Parsed, WireBook, decoded
from liqbot.venues.public_trades import trade_of
from liqbot.venues.rows import each, figures, typed_row

FORCED: Final = "liq:global"
STATUS: Final = "deriv:"
_TRADES: Final = "trades"
_POSITION: Final = "pos"
_TRIGGER: Final = 0
"""Of a forced order: it begins. What follows, 1, are its executions, any number of them."""


class _Trade(msgspec.Struct, array_like=True, gc=False):
    name: int
    time_ms: int
    amount: float
    """Negative where the taker sold."""
    price: float


class Status(msgspec.Struct, array_like=True, gc=False):
    """`current_funding` is what applies to the eight hours that run; the rate that accrues, for the eight hours after,
    is another one. The index is not published: `spot_price` is the middle of the venue's own spot book."""

    time_ms: int
    _1: Any = None
    book_price: Any = None
    spot_price: Any = None
    _4: Any = None
    insurance_fund: Any = None
    _6: Any = None
    next_payment_ms: Any = None
    accrued: Any = None
    step: Any = None
    _10: Any = None
    current_funding: Any = None
    _12: Any = None
    _13: Any = None
    mark_price: Any = None
    _15: Any = None
    _16: Any = None
    open_interest: Any = None


class _Forced(msgspec.Struct, array_like=True, gc=False):
    """`amount` of the position, negative of a short one; `base_price` is what it was entered at."""

    kind: str
    position: int
    time_ms: float
    _3: Any
    symbol: str
    amount: float
    base_price: float | None
    _7: Any
    stage: int
    sold: Any = None
    _10: Any = None
    price: float | None = None
    """At which it was taken over."""


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else; of a frame of many rows the
    unreadable ones are left out and noted in the book."""
    frame = decoded(raw, book)
    if isinstance(frame, dict):
        _subscribed(frame, book)
        return NOT_OURS
    if not isinstance(frame, list) or len(frame) < 2 or not isinstance(frame[0], int):
        return NOT_OURS
    kind, index = book.channels.get(frame[0], ("", -1))
    if not kind or frame[1] == "hb":
        return NOT_OURS
    if kind == _TRADES:
        return _traded(frame, index, book)
    if not isinstance(frame[1], list):
        raise book.malformed(kind, frame[1], frame)
    if kind == FORCED:
        return _forced_orders(frame[1], book)
    status = typed_row(frame[1], Status, "status", book)
    return Parsed(facts=[] if status is None else status_facts(status, index, book))


def _subscribed(frame: dict[str, Any], book: WireBook) -> None:
    """Numbers are given anew on every connection, before anything comes under them."""
    number = frame.get("chanId")
    if frame.get("event") != "subscribed" or not isinstance(number, int):
        return
    channel, key = frame.get("channel"), str(frame.get("key", ""))
    kind, named = _TRADES, str(frame.get("symbol", ""))
    if channel == "status":
        kind, named = (FORCED, "") if key == FORCED else (STATUS, key.removeprefix(STATUS))
    if kind == FORCED or (channel in (_TRADES, "status") and named in book.index_of):
        book.channels[number] = (kind, book.index_of.get(named, -1))
    else:
        book.channels.pop(number, None)


def _traded(frame: list[Any], index: int, book: WireBook) -> Parsed:
    """Each trade comes twice: `te` when it happens, `tu` when it is stored. On subscribing, and so on every connection,
    the last ones are sent once more, as a list."""
    if frame[1] != "te" or len(frame) < 3:
        return Parsed(ignored=len(frame[1]) if isinstance(frame[1], list) else 1)
    row = typed_row(frame[2], _Trade, "trade", book)
    if row is None:
        return Parsed()
    one = trade_of(
        book, "trade", row, index, row.time_ms, row.price, abs(row.amount), bought=row.amount > 0.0
    )
    return Parsed([] if one is None else [one])


def _number(name: str, value: Any, row: Any, book: WireBook) -> float | None:
    if isinstance(value, int) and not isinstance(value, bool):
        value = float(value)
    if value is None or isinstance(value, float | str):
        return book.figure(f"status {name}", value, row)
    raise book.malformed(f"status {name}", value, row)


def _marked(row: Status, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    return book.mark(index, time_ms, _number("MARK_PRICE", row.mark_price, row, book), None)


def _funded(row: Status, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    return book.funding(index, time_ms, _number("CURRENT_FUNDING", row.current_funding, row, book))


def _interest(row: Status, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    amount = _number("OPEN_INTEREST", row.open_interest, row, book)
    return [] if amount is None else book.open_interest(index, time_ms, amount)


def status_facts(row: Status, index: int, book: WireBook) -> list[MarketEvent]:
    """An unreadable figure does not cost the others."""
    return figures(row, index, row.time_ms, (_marked, _funded, _interest), book)


def _forced_orders(rows: list[Any], book: WireBook) -> Parsed:
    """Also of margin trading on the spot market, which is none of ours."""
    rows = [rows] if rows and rows[0] == _POSITION else rows
    own = [row for row in rows if _is_ours(row, book)]
    typed = [typed_row(row, _Forced, FORCED, book) for row in own]
    facts = each([row for row in typed if row is not None], lambda row: _forced(row, book), book)
    return Parsed(facts=facts, ignored=len(rows) - len(own))


def _is_ours(row: Any, book: WireBook) -> bool:
    """What names no pair at all may be one of ours that broke."""
    named = row[4] if isinstance(row, list) and len(row) > 4 else None
    return not isinstance(named, str) or named in book.index_of


def _forced(row: _Forced, book: WireBook) -> list[MarketEvent]:
    """Counted once, when it begins: it has no price then and is valued at the mark."""
    if row.kind != _POSITION or row.stage != _TRIGGER or not book.first_time((FORCED, row.position, row.time_ms)):
        return []
    index = book.index_of[row.symbol]
    price = row.price or book.quotes[index].mark_price
    if price != price:
        raise MalformedMessage(book.venue, f"{FORCED} price", row.price, row)
    side = Side.LONG if row.amount > 0.0 else Side.SHORT
    return [book.liquidation(index, int(row.time_ms), side, price, abs(row.amount))]
