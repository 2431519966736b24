"""Tickers of many figures: one that is of no kind of number is left out and noted, and does not cost the others."""

from typing import Any, TypeVar

import msgspec

from liqbot.venues.parsing import WireBook
from liqbot.venues.rows import BROKEN, fault_of

Row = TypeVar("Row")


def ticker_row(row: Any, shape: type[Row], what: str, book: WireBook) -> Row:
    """A decoded ticker as its shape, without those of its optional figures that do not fit. MalformedMessage when what
    it cannot do without does not."""
    try:
        return msgspec.convert(row, shape, strict=False)
    except BROKEN as error:
        broken = [key for key in _optional(shape) if isinstance(row, dict) and _is_no_figure(row.get(key))]
        if not broken:
            raise fault_of(row, error, what, book) from None
    for key in broken:
        book.reject(book.malformed(f"{what} {key}", row[key], row))
    return book.convert({key: value for key, value in row.items() if key not in broken}, shape, what)


def _optional(shape: Any) -> list[str]:
    return [one.encode_name for one in msgspec.structs.fields(shape) if not one.required]


def _is_no_figure(value: Any) -> bool:
    return isinstance(value, bool | dict | list)
