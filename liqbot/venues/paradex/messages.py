"""Paradex's public messages: trades with the forced ones among them, market summary, funding data.

Since 2026-09-21 they come as binary frames (SBE schema 1): a header of four 16-bit numbers, a block of fixed fields as
long as the header says, the market's name behind it. Later versions append fields to the block and new templates. What
answers a request stays JSON.
"""

import struct
from collections.abc import Callable
from typing import Final, NamedTuple

from liqbot.events import MarketEvent
from liqbot.venues.frames import closed_side, printed, prints
from liqbot.venues.parsing import NOT_OURS, Parsed, Trade, WireBook
from liqbot.venues.rows import each, figures

SCHEMA: Final = 1
_HEADER: Final = struct.Struct("<4H")
"""Length of the block, template, schema, version."""
_TRADE: Final = struct.Struct("<qqqBqqqB")
"""Published, sequence, id, aggressor's side, price, size, matched, type."""
_SUMMARY: Final = struct.Struct("<qqqqqqqq")
"""Published, sequence, mark, index, last price, volume, open interest, funding rate."""
_FUNDING: Final = struct.Struct("<qqqqqqqh")
"""Published, sequence, rate of the period, index, created, premium, rate of eight hours, hours of the period."""
_NOTHING: Final = -(2**63)
_STEP: Final = 1e-8
"""Of prices, sizes and rates."""
_BUY, _SELL = 1, 2
_ON_BOOK: Final = (1, 2, 5)
"""Fill, liquidation, retail price improvement; the others are transfers, settlements and block trades."""
_LIQUIDATION: Final = 2


class _Print(NamedTuple):
    time_us: int
    side: int
    price: float
    size: float
    kind: int


class _Summary(NamedTuple):
    """Open interest in coin."""

    time_us: int
    mark_price: float | None
    index_price: float | None
    open_interest: float | None


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else."""
    if isinstance(raw, str) or len(raw) < _HEADER.size:
        return NOT_OURS
    length, template, schema, _ = _HEADER.unpack_from(raw)
    read = _TEMPLATES.get(template) if schema == SCHEMA else None
    if read is None:
        return NOT_OURS
    shape, what, make = read
    end = _HEADER.size + length
    if length < shape.size or len(raw) <= end or len(raw) < end + 1 + raw[end]:
        raise book.malformed(f"{what} length", (length, len(raw)), raw)
    index = book.index_of.get(raw[end + 1:end + 1 + raw[end]].decode("utf-8", "replace"))
    return Parsed(ignored=1) if index is None else make(shape.unpack_from(raw, _HEADER.size), index, book)


def _decimal(mantissa: int) -> float | None:
    return None if mantissa == _NOTHING else round(mantissa * _STEP, 8)


def _trade(fields: tuple[int, ...], index: int, book: WireBook) -> Parsed:
    _, _, _, side, price, size, created_us, kind = fields
    row = _Print(created_us, side, _decimal(price) or 0.0, _decimal(size) or 0.0, kind)
    if kind not in _ON_BOOK:
        book.off_book += 1
        return Parsed()
    parsed = Parsed(prints([row], lambda one: _printed(one, index, book), book))
    if kind == _LIQUIDATION:
        parsed.facts = each([row], lambda one: _forced(one, index, book), book)
    return parsed


def _printed(row: _Print, index: int, book: WireBook) -> Trade:
    return printed(book, index, row.time_us // 1_000, row.price, row.size, bought=_bought(row, book))


def _bought(row: _Print, book: WireBook) -> bool:
    if row.side not in (_BUY, _SELL):
        raise book.malformed("TradeEvent side", row.side)
    return row.side == _BUY


def _forced(row: _Print, index: int, book: WireBook) -> list[MarketEvent]:
    """The side is the aggressor's, which closes the position."""
    side = closed_side(bought=_bought(row, book))
    return [book.liquidation(index, row.time_us // 1_000, side, row.price, row.size)]


def _summary(fields: tuple[int, ...], index: int, book: WireBook) -> Parsed:
    """Its funding rate is left out: only the funding data say for how many hours it is."""
    time_us, _, mark, index_price, _, _, interest, _ = fields
    row = _Summary(time_us, _decimal(mark), _decimal(index_price), _decimal(interest))
    return Parsed(facts=figures(row, index, time_us // 1_000, _FIGURES, book))


def _marked(row: _Summary, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    return book.mark(index, time_ms, row.mark_price, row.index_price)


def _interest(row: _Summary, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    return [] if row.open_interest is None else book.open_interest(index, time_ms, row.open_interest)


_FIGURES: Final = (_marked, _interest)


def _funding(fields: tuple[int, ...], index: int, book: WireBook) -> Parsed:
    """The rate as it stands; it accrues all the time. Where the hours are not given it is that of eight."""
    _, _, rate, _, created_us, _, eight_hours, hours = fields
    value = _decimal(rate if hours > 0 else eight_hours)
    if value is None:
        return Parsed()
    return Parsed(facts=each(
        [(value, float(hours or 8))], lambda one: book.funding(index, created_us // 1_000, *one), book
    ))


_TEMPLATES: Final[dict[int, tuple[struct.Struct, str, Callable[[tuple[int, ...], int, WireBook], Parsed]]]] = {
    1: (_TRADE, "TradeEvent", _trade), 4: (_SUMMARY, "MarketSummaryEvent", _summary),
    5: (_FUNDING, "FundingDataEvent", _funding),
}
