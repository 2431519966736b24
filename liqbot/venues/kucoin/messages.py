"""KuCoin's public messages about futures: matches, mark and index price, funding. Sizes are in contracts, times of
matches in nanoseconds; prices and rates name their contract in the topic alone."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.parsing import NOT_OURS, Parsed, WireBook, decoded
from liqbot.venues.public_trades import taker_bought, trade_of
from liqbot.venues.rows import BROKEN, fault_of, foreign
from liqbot.venues.tickers import ticker_row

_NS: Final = 1_000_000
"""Nanoseconds of a millisecond."""
_FUTURES: Final = "/contractMarket/execution:"
INSTRUMENT: Final = "/contract/instrument:"


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


class _Mark(msgspec.Struct, gc=False, rename="camel"):
    timestamp: int
    mark_price: float | str | None = None
    index_price: float | str | None = None


class _Funding(msgspec.Struct, gc=False, rename="camel"):
    """Every minute as it is expected, every interval as it is settled."""

    funding_rate: float
    timestamp: int


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
    subject, topic = frame.get("subject"), frame.get("topic")
    if subject == "match":
        if foreign(frame.get("data"), "symbol", book) or (isinstance(topic, str) and not topic.startswith(_FUTURES)):
            return Parsed(ignored=1)
        raise fault_of(frame, error, "match", book)
    read = _SUBJECTS.get(subject) if isinstance(subject, str) else None
    if read is None or not isinstance(topic, str) or not topic.startswith(INSTRUMENT):
        return NOT_OURS
    index = book.index_of.get(topic.removeprefix(INSTRUMENT))
    if index is None:
        return Parsed(ignored=1)
    return Parsed(facts=read(frame.get("data"), index, book))


def _mark(data: Any, index: int, book: WireBook) -> list[MarketEvent]:
    """An unreadable index does not cost the mark."""
    row = ticker_row(data, _Mark, "mark.index.price", book)
    mark_price = book.figure("mark.index.price markPrice", row.mark_price, row)
    index_price = book.figure("mark.index.price indexPrice", row.index_price, row)
    return book.mark(index, row.timestamp, mark_price, index_price)


def _funding(data: Any, index: int, book: WireBook) -> list[MarketEvent]:
    row = book.convert(data, _Funding, "funding.rate")
    return book.funding(index, row.timestamp, row.funding_rate)


_SUBJECTS: Final[dict[str, Callable[[Any, int, WireBook], list[MarketEvent]]]] = {
    "mark.index.price": _mark, "funding.rate": _funding,
}
