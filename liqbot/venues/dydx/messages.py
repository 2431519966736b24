"""dYdX's public trades, forced ones among them. Everything else is polled: the unified client has no channel
of markets."""

from typing import Any, Final

import msgspec

from liqbot.events import Liquidation
from liqbot.venues.frames import closed_side, frame_of, listed, printed, prints, taker_bought, typed_rows, word
from liqbot.venues.parsing import NOT_OURS, Parsed, Trade, WireBook
from liqbot.venues.rows import each

_FORCED: Final = ("LIQUIDATED", "DELEVERAGED")
"""Deleveraging closes a position that is liquidated against another one, off the order book at its bankruptcy price."""


class _Print(msgspec.Struct, gc=False):
    side: str
    amount: float = msgspec.field(name="size")
    price: float
    created: str = msgspec.field(name="createdAt")
    kind: str = msgspec.field(name="type", default="LIMIT")


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else."""
    frame = frame_of(raw, book)
    kind = word(frame, "type")
    if word(frame, "channel") != "v4_trades" or kind not in ("subscribed", "channel_data", "channel_batch_data"):
        return NOT_OURS
    index = book.index_of.get(word(frame, "id"))
    if index is None:
        return Parsed(ignored=1)
    rows = _rows(frame, book)
    if kind == "subscribed":
        # A thousand trades of before.
        return Parsed(ignored=len(rows))
    return _trades(index, typed_rows(rows, _Print, "v4_trades", book), book)


def _rows(frame: dict[str, Any], book: WireBook) -> list[Any]:
    """A batch is a list of what a single message holds."""
    contents = frame.get("contents")
    parts = contents if isinstance(contents, list) else [contents]
    return [row for part in parts for row in listed(part, "v4_trades", book, "trades")]


def _trades(index: int, rows: list[_Print], book: WireBook) -> Parsed:
    on_book = [row for row in rows if row.kind != "DELEVERAGED"]
    book.off_book += len(rows) - len(on_book)
    return Parsed(
        prints(on_book, lambda row: _trade(index, row, book), book),
        each((row for row in rows if row.kind in _FORCED), lambda row: [_forced(index, row, book)], book),
    )


def _trade(index: int, row: _Print, book: WireBook) -> Trade:
    time_ms = book.iso_time("v4_trades createdAt", row.created)
    return printed(book, index, time_ms, row.price, row.amount, bought=taker_bought(row.side, book))


def _forced(index: int, row: _Print, book: WireBook) -> Liquidation:
    """The side is the taker's, which is the liquidated account."""
    time_ms = book.iso_time("v4_trades createdAt", row.created)
    side = closed_side(bought=taker_bought(row.side, book))
    return book.liquidation(index, time_ms, side, row.price, row.amount)
