"""Frames of venues that send few rows at a time: decoded once, then read row by row, so that one costs itself alone.

For venues without a batch format of their own; where a frame may hold hundreds of rows, `RowShape` is faster.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

from liqbot.instruments import Side
from liqbot.venues.parsing import (
    AMOUNT_MAX,
    PRICE_MAX,
    TIME_MS_MAX,
    MalformedMessage,
    Trade,
    WireBook,
    decoded,
)
from liqbot.venues.rows import typed_row

Row = TypeVar("Row")
_BOUGHT: Final = {"buy": True, "sell": False}


def frame_of(raw: str | bytes, book: WireBook) -> dict[str, Any]:
    """A frame as decoded JSON; empty for what is no object, such as a pong. MalformedMessage for broken JSON."""
    frame = decoded(raw, book)
    return frame if isinstance(frame, dict) else {}


def word(frame: Any, key: str) -> str:
    """The text at a key; empty where there is none."""
    found = frame.get(key) if isinstance(frame, dict) else None
    return found if isinstance(found, str) else ""


def within(frame: Any, *path: str) -> Any:
    """What lies at a path of keys; None where it does not lead anywhere."""
    for key in path:
        frame = frame.get(key) if isinstance(frame, dict) else None
    return frame


def listed(frame: Any, what: str, book: WireBook, *path: str) -> list[Any]:
    """The list at a path of keys. MalformedMessage where there is none."""
    rows = within(frame, *path)
    if not isinstance(rows, list):
        raise book.malformed(f"{what} {'.'.join(path)}", rows, frame)
    return rows


def typed_rows(rows: Iterable[Any], shape: type[Row], what: str, book: WireBook) -> list[Row]:
    """Those rows that fit; the others are noted."""
    read = (typed_row(row, shape, what, book) for row in rows)
    return [row for row in read if row is not None]


def printed(book: WireBook, index: int, time_ms: int, price: float, amount: float, *, bought: bool) -> Trade:
    """A trade in USD, of an amount in the contract's own unit. MalformedMessage for figures that cannot be."""
    if not (0.0 < price < PRICE_MAX and 0.0 < amount < AMOUNT_MAX and 0 < time_ms < TIME_MS_MAX):
        raise book.malformed("trade", (time_ms, price, amount))
    per_price, flat = book.factors[index]
    return (index, time_ms, price, amount * (per_price * price + flat), bought)


def prints(rows: Iterable[Row], read: Callable[[Row], Trade], book: WireBook) -> list[Trade]:
    """The trades of every row that can be read; one that cannot is noted."""
    trades: list[Trade] = []
    for row in rows:
        try:
            trades.append(read(row))
        except MalformedMessage as error:
            book.reject(error, row)
    return trades


def taker_bought(side: str, book: WireBook) -> bool:
    """From a taker's side, `BUY` or `sell`. MalformedMessage for any other word."""
    bought = _BOUGHT.get(side.lower())
    if bought is None:
        raise book.malformed("trade side", side)
    return bought


def closed_side(*, bought: bool) -> Side:
    """Of the position that an order closed: a forced sell closed a long."""
    return Side.SHORT if bought else Side.LONG
