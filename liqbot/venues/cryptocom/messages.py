"""Crypto.com's public messages: trades, tickers (open interest), and single values: mark, index, hourly funding rate.

All figures are texts, amounts in coin.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.parsing import NOT_OURS, Parsed, WireBook, decoded
from liqbot.venues.public_trades import taker_bought, trade_of
from liqbot.venues.rows import BROKEN, each, typed_row

FUNDING_INTERVAL_H: Final = 1.0
"""Rates are of an hour, and settle with it."""
INDEX_SUFFIX: Final = "-INDEX"
PERPETUAL_SUFFIX: Final = "-PERP"


_TRADE_KEYS: Final = {"time_ms": "t", "price": "p", "amount": "q", "side": "s", "name": "d", "match": "m"}


class _Trade(msgspec.Struct, gc=False, rename=_TRADE_KEYS):
    time_ms: int
    price: float
    amount: float
    side: str
    """Of the taker."""
    name: str | int
    """Fills of one order against several others bear the same."""
    match: str | int | None = None


class Value(msgspec.Struct, gc=False, rename={"value": "v", "time_ms": "t"}):
    time_ms: int
    value: float
    """A price, or a rate as a fraction."""


class Ticker(msgspec.Struct, gc=False):
    """`oi` in coin."""

    t: int
    oi: float | str | None = None


class _Result(msgspec.Struct, gc=False):
    channel: str = ""
    instrument_name: str = ""
    data: msgspec.Raw = msgspec.Raw(b"[]")


class _Frame(msgspec.Struct, gc=False):
    result: _Result | None = None


_FRAME: Final = msgspec.json.Decoder(_Frame)
_TRADES: Final = msgspec.json.Decoder(list[_Trade], strict=False)


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else; of a frame of many rows the
    unreadable ones are left out and noted in the book."""
    try:
        result = _FRAME.decode(raw).result
    except BROKEN:
        return _unusual(decoded(raw, book), book)
    if result is None or result.channel not in _CHANNELS:
        return NOT_OURS
    index = contract_of(result.instrument_name, book)
    if index is None:
        return Parsed(ignored=1)
    if result.channel == "trade":
        return _trades(result.data, index, book)
    read = _FACTS[result.channel]
    return Parsed(facts=read(rows_of(msgspec.json.decode(result.data), result.channel, book), index, book))


def contract_of(name: str, book: WireBook) -> int | None:
    """An index has a name of its own, `BTCUSD-INDEX`."""
    if name.endswith(INDEX_SUFFIX):
        name = f"{name.removesuffix(INDEX_SUFFIX)}{PERPETUAL_SUFFIX}"
    return book.index_of.get(name)


def _unusual(frame: Any, book: WireBook) -> Parsed:
    """What is no frame of the usual shape, but may still be one of ours that broke."""
    result = frame.get("result") if isinstance(frame, dict) else None
    channel = result.get("channel") if isinstance(result, dict) else None
    if not isinstance(result, dict) or not isinstance(channel, str) or channel not in _CHANNELS:
        return NOT_OURS
    raise book.malformed(f"{channel} instrument_name", result.get("instrument_name"), frame)


def rows_of(rows: Any, what: str, book: WireBook) -> list[Any]:
    if not isinstance(rows, list):
        raise book.malformed(what, rows)
    return rows


def _trades(data: msgspec.Raw, index: int, book: WireBook) -> Parsed:
    """On subscribing, and so on every connection, the venue tells the last trades once more. Of the first connection
    they were before us; of a later one those count that were missed."""
    try:
        rows = _TRADES.decode(data)
    except BROKEN:
        typed = [typed_row(row, _Trade, "trade", book) for row in rows_of(msgspec.json.decode(data), "trade", book)]
        rows = [row for row in typed if row is not None]
    before = book.first_time(("trades", index))
    unreported = _unreported(rows, index, book)
    new = [] if before else unreported
    new.sort(key=lambda row: row.time_ms)
    trades = [
        trade_of(book, "trade", row, index, row.time_ms, row.price, row.amount,
                 bought=taker_bought(row.side, "BUY", "SELL"))
        for row in new
    ]
    return Parsed([one for one in trades if one is not None], ignored=len(rows) - len(new))


def _unreported(rows: list[_Trade], index: int, book: WireBook) -> list[_Trade]:
    """The rows that no message before held. Those of one message are apart even where they are alike in everything:
    the venue tells each fill of an order under the order's trade id."""
    alike: Counter[tuple[object, ...]] = Counter()
    found = []
    for row in rows:
        fill = (row.name, row.match, row.price, row.amount)
        alike[fill] += 1
        if book.first_time((index, *fill, alike[fill])):
            found.append(row)
    return found


def _valued(
    what: str, fact: Callable[[WireBook, int, Value], list[MarketEvent]]
) -> Callable[[list[Any], int, WireBook], list[MarketEvent]]:
    def read(rows: list[Any], index: int, book: WireBook) -> list[MarketEvent]:
        typed = [typed_row(row, Value, what, book) for row in rows]
        return each([row for row in typed if row is not None], lambda row: fact(book, index, row), book)

    return read


def tickers(rows: list[Any], index: int, book: WireBook) -> list[MarketEvent]:
    def interest(row: Ticker) -> list[MarketEvent]:
        amount = book.figure("ticker oi", row.oi, row)
        return [] if amount is None else book.open_interest(index, row.t, amount)

    typed = [typed_row(row, Ticker, "ticker", book) for row in rows]
    return each([row for row in typed if row is not None], interest, book)


marks: Final = _valued("mark", lambda book, index, row: book.mark(index, row.time_ms, row.value, None))
fundings: Final = _valued(
    "funding", lambda book, index, row: book.funding(index, row.time_ms, row.value, FUNDING_INTERVAL_H)
)
_FACTS: Final = {
    "ticker": tickers, "mark": marks, "funding": fundings,
    "index": _valued("index", lambda book, index, row: book.mark(index, row.time_ms, None, row.value)),
}  # fmt: skip
_CHANNELS: Final = frozenset({"trade", *_FACTS})
