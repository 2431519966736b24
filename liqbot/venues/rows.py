"""Frames and answers read row by row: one row that does not fit costs itself alone.

A frame is first decoded whole, which is fast. Only when that fails is it taken apart: rows of contracts that are not
watched are left out unread, the others are decoded one by one, and those that do not fit are noted in the book.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, Generic, Protocol, TypeVar

import msgspec

from liqbot.decode_errors import path_in, value_at
from liqbot.events import MarketEvent
from liqbot.venues.parsing import MalformedMessage, Parsed, WireBook, decoded

Row = TypeVar("Row")
BROKEN: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)
"""What the decoder raises for text of any kind."""


class _Frame(Protocol[Row]):
    data: list[Row]


class RowShape(Generic[Row]):
    """The rows of one kind of frame: their shape, and where they name their contract."""

    def __init__(self, what: str, shape: type[Row], name: str, *, suffix: str = "", key: str = "data") -> None:
        """`what` is how errors name the kind; `name` the key of the contract's id, which `suffix` completes; `key` that
        of the list of rows in the frame."""
        self.what, self._shape, self._name, self._suffix, self._key = what, shape, name, suffix, key
        field = ("data", list[shape], msgspec.field(name=key))  # type: ignore[valid-type]
        decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
            msgspec.defstruct("Frame", [field], gc=False), strict=False
        )
        self.decode: Callable[[str | bytes], _Frame[Row]] = decoder.decode
        """The whole frame at once, with what the decoder raises (BROKEN); for streams where every call counts."""

    def rows(self, raw: str | bytes, book: WireBook, parsed: Parsed) -> list[Row]:
        """Of a frame such as `{"data": [...]}`. MalformedMessage when there is no list of rows in it."""
        try:
            return self.decode(raw).data
        except BROKEN as error:
            found, ignored = self.apart(raw, error, book)
            parsed.ignored += ignored
            return found

    def apart(self, raw: str | bytes, error: Exception, book: WireBook) -> tuple[list[Row], int]:
        """The rows of a frame that raised `error` as a whole, and how many were of contracts that are not watched."""
        frame = decoded(raw, book)
        rows = frame.get(self._key) if isinstance(frame, dict) else None
        if not isinstance(rows, list):
            raise book.malformed(self.what, error, frame)
        own = [row for row in rows if not foreign(row, self._name, book, self._suffix)]
        typed = [typed_row(row, self._shape, self.what, book) for row in own]
        return [row for row in typed if row is not None], len(rows) - len(own)


def foreign(row: Any, name: str, book: WireBook, suffix: str = "") -> bool:
    """Whether a row that was not decoded yet names a contract that is not watched: nothing else of it matters."""
    named = row.get(name) if isinstance(row, dict) else None
    return isinstance(named, str) and f"{named}{suffix}" not in book.index_of


def typed_row(row: Any, shape: type[Row], what: str, book: WireBook) -> Row | None:
    """One decoded row as its shape; None for one that does not fit, which is noted."""
    try:
        return msgspec.convert(row, shape, strict=False)
    except BROKEN as error:
        book.reject(fault_of(row, error, what, book))
        return None


def fault_of(row: Any, error: Exception, what: str, book: WireBook) -> MalformedMessage:
    """The decoder's complaint with the field that it is about and what stands there."""
    path = path_in(error)
    if path is None:
        return book.malformed(what, error, row)
    value, found = value_at(row, path)
    return book.malformed(f"{what} {path.lstrip('.')}", value if found else error, row)


def each(rows: Iterable[Row], read: Callable[[Row], list[MarketEvent]], book: WireBook) -> list[MarketEvent]:
    """The facts of every row that can be read; one that cannot is noted and costs itself alone."""
    facts: list[MarketEvent] = []
    for row in rows:
        try:
            facts += read(row)
        except MalformedMessage as error:
            book.reject(error, row)
    return facts


def figures(
    row: Row, index: int, time_ms: int, readers: Iterable[Callable[[Row, int, int, WireBook], list[MarketEvent]]],
    book: WireBook,
) -> list[MarketEvent]:
    """Several figures of one row, each read by one of `readers`: an unreadable one does not cost the others."""
    facts: list[MarketEvent] = []
    for read in readers:
        try:
            facts += read(row, index, time_ms, book)
        except MalformedMessage as error:
            book.reject(error, row)
    return facts


def answered_rows(payload: Any, shape: type[Row], what: str, book: WireBook, *path: str) -> list[Row]:
    """Rows of an answer to a request, from the list at `path` in it. MalformedMessage when there is no list, or when
    it has rows and none fits."""
    rows = payload
    for key in path:
        rows = rows.get(key) if isinstance(rows, dict) else None
    if not isinstance(rows, list):
        raise book.malformed(what, rows, payload)
    read = [typed_row(row, shape, what, book) for row in rows]
    found = [row for row in read if row is not None]
    if rows and not found:
        raise fault_of(rows[0], ValueError(f"none of {len(rows)} rows fits"), what, book)
    return found
