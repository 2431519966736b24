"""KuCoin's public messages about futures: matches (its classic stream), mark price with index and open interest, and
funding (the stream of unified accounts, which needs no account). Sizes are in contracts, times in part in nanoseconds.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.parsing import NOT_OURS, Parsed, WireBook, decoded
from liqbot.venues.public_trades import taker_bought, trade_of
from liqbot.venues.rows import BROKEN, fault_of, figures, foreign
from liqbot.venues.tickers import ticker_row

_NS: Final = 1_000_000
"""Nanoseconds of a millisecond."""
_FUTURES: Final = "/contractMarket/execution:"


class _Match(msgspec.Struct, gc=False):
    symbol: str
    side: str
    contracts: float = msgspec.field(name="size")
    price: float
    ts: int
    """Nanoseconds."""


class _Matches(msgspec.Struct, tag_field="subject", tag="match", gc=False):
    """One match a message."""

    topic: str
    data: _Match


_MATCHES: Final = msgspec.json.Decoder(_Matches, strict=False)


class _Mark(msgspec.Struct, gc=False):
    symbol: str = msgspec.field(name="s")
    ts: int
    mark_price: float | str | None = msgspec.field(name="mp", default=None)
    index_price: float | str | None = msgspec.field(name="ip", default=None)
    contracts: float | str | None = msgspec.field(name="oi", default=None)


class _Funding(msgspec.Struct, gc=False):
    """`gl`: milliseconds from one payment to the next."""

    symbol: str = msgspec.field(name="s")
    rate: float = msgspec.field(name="fr")
    interval_ms: int | None = msgspec.field(name="gl", default=None)


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else."""
    try:
        message = _MATCHES.decode(raw)
    except BROKEN as error:
        return _other(decoded(raw, book), error, book)
    if not message.topic.startswith(_FUTURES):
        return NOT_OURS
    row = message.data
    index = book.index_of.get(row.symbol)
    if index is None:
        return Parsed(ignored=1)
    bought = taker_bought(row.side, "buy", "sell")
    found = trade_of(book, "match", row, index, row.ts // _NS, row.price, row.contracts, bought=bought)
    return Parsed([] if found is None else [found])


def _other(frame: Any, error: Exception, book: WireBook) -> Parsed:
    if not isinstance(frame, dict):
        return NOT_OURS
    if frame.get("subject") == "match":
        data = frame.get("data")
        if foreign(data, "symbol", book) or not _of_futures(frame):
            return Parsed(ignored=1)
        raise fault_of(frame, error, "match", book)
    read = _KINDS.get(frame.get("T", "")) if isinstance(frame.get("T"), str) else None
    if read is None:
        return NOT_OURS
    if foreign(frame.get("d"), "s", book):
        return Parsed(ignored=1)
    return Parsed(facts=read(frame, book))


def _of_futures(frame: dict[str, Any]) -> bool:
    topic = frame.get("topic")
    return not isinstance(topic, str) or topic.startswith(_FUTURES)


def _mark(frame: dict[str, Any], book: WireBook) -> list[MarketEvent]:
    """Each figure is read apart: an unreadable one does not cost the others."""
    row = ticker_row(frame.get("d"), _Mark, "mark-price", book)
    return figures(row, book.index_of[row.symbol], row.ts, (_marked, _interest), book)


def _marked(row: _Mark, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    mark_price = book.figure("mark-price mp", row.mark_price, row)
    return book.mark(index, time_ms, mark_price, book.figure("mark-price ip", row.index_price, row))


def _interest(row: _Mark, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    contracts = book.figure("mark-price oi", row.contracts, row)
    return [] if contracts is None else book.open_interest(index, time_ms, contracts)


def _funding(frame: dict[str, Any], book: WireBook) -> list[MarketEvent]:
    """The rate says no time of its own: the push's, in nanoseconds."""
    row = book.convert(frame.get("d"), _Funding, "funding-fee")
    time_ms = book.convert(frame.get("P"), int, "funding-fee P") // _NS
    interval_h = None if row.interval_ms is None else row.interval_ms / 3_600_000
    return book.funding(book.index_of[row.symbol], time_ms, row.rate, interval_h)


_KINDS: Final[dict[str, Callable[[dict[str, Any], WireBook], list[MarketEvent]]]] = {
    "mark-price": _mark, "funding-fee": _funding,
}
