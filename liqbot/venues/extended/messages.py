"""Extended's public trades, forced ones among them; everything else is polled."""

from typing import Final

import msgspec

from liqbot.venues.frames import closed_side, frame_of, printed, taker_bought, typed_rows, word
from liqbot.venues.parsing import NOT_OURS, MalformedMessage, Parsed, WireBook

_KINDS: Final = ("TRADE", "LIQUIDATION", "DELEVERAGE")


class _Trade(msgspec.Struct, gc=False):
    number: int = msgspec.field(name="i")
    market: str = msgspec.field(name="m")
    side: str = msgspec.field(name="S")
    kind: str = msgspec.field(name="tT")
    time_ms: int = msgspec.field(name="T")
    price: float = msgspec.field(name="p")
    amount: float = msgspec.field(name="q")


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else. Only trades come as lists
    with a side; candles come as lists without one."""
    rows = frame_of(raw, book).get("data")
    if not isinstance(rows, list) or not rows or not word(rows[0], "S"):
        return NOT_OURS
    parsed = Parsed()
    for row in typed_rows(rows, _Trade, "trade", book):
        index = book.index_of.get(row.market)
        # Whether a new subscription begins with former trades is not written: each is taken once.
        if index is None or not book.first_time((index, row.number)):
            parsed.ignored += 1
            continue
        try:
            _take(row, index, parsed, book)
        except MalformedMessage as error:
            book.reject(error, row)
    return parsed


def _take(row: _Trade, index: int, parsed: Parsed, book: WireBook) -> None:
    """The side is taken for that of the order that took, which is the forced one. Deleveraging matches two positions
    off the order book, and nothing says whose side it tells."""
    if row.kind not in _KINDS:
        raise book.malformed("trade tT", row.kind)
    if row.kind == "DELEVERAGE":
        book.off_book += 1
        return
    bought = taker_bought(row.side, book)
    trade = printed(book, index, row.time_ms, row.price, row.amount, bought=bought)
    if row.kind == "LIQUIDATION":
        parsed.facts.append(
            book.liquidation(index, row.time_ms, closed_side(bought=bought), row.price, row.amount)
        )
    parsed.trades.append(trade)
