"""HTX's public messages: trades, mark and index price (as candles of a minute), forced orders and funding.

Volumes are in contracts; those of trades and candles count the buyer and the seller.
"""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from liqbot.events import Liquidation, MarketEvent
from liqbot.instruments import Side
from liqbot.venues.parsing import NOT_OURS, Parsed, WireBook, decoded
from liqbot.venues.public_trades import taker_bought, trade_of
from liqbot.venues.rows import BROKEN, each, foreign, typed_row

ONE_SIDE: Final = 0.5
"""Of what counts both the buyer and the seller."""
MARK: Final = "mark_price.1min"
INDEX: Final = "index.1min"
FORCED: Final = "liquidation_orders"
FUNDING: Final = "funding_rate"


class _Trade(msgspec.Struct, gc=False):
    contracts: float = msgspec.field(name="amount")
    ts: int
    price: float
    direction: str
    """Of the taker."""


class _Tick(msgspec.Struct, gc=False):
    """Of trades `data`, of a candle `close`."""

    data: list[_Trade] = []
    close: float | str | None = None


class _Frame(msgspec.Struct, gc=False):
    channel: str = msgspec.field(name="ch")
    tick: _Tick
    ts: int


_FRAME: Final = msgspec.json.Decoder(_Frame, strict=False)


class _Forced(msgspec.Struct, gc=False):
    """`offset` says `close` of a position in hedge mode, `both` of one in one-way mode."""

    contract: str = msgspec.field(name="contract_code")
    direction: str
    contracts: float = msgspec.field(name="volume")
    price: float
    """At which the position is bankrupt."""
    time_ms: int = msgspec.field(name="created_at")


class _Funding(msgspec.Struct, gc=False):
    contract: str = msgspec.field(name="contract_code")
    rate: float = msgspec.field(name="funding_rate")


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else; of a frame of many rows the
    unreadable ones are left out and noted in the book."""
    try:
        frame = _FRAME.decode(raw)
    except BROKEN:
        return _other(decoded(raw, book), book)
    named, kind = _named(frame.channel)
    if kind not in _CHANNELS:
        return NOT_OURS
    index = book.index_of.get(named)
    if index is None:
        return Parsed(ignored=1)
    if kind == "trade.detail":
        return _trades(frame.tick.data, index, book)
    return Parsed(facts=_price(kind, index, frame.ts, frame.tick.close, book))


def _named(channel: str) -> tuple[str, str]:
    """Contract and kind of `market.BTC-USDT.trade.detail`."""
    head, _, rest = channel.partition(".")
    named, _, kind = rest.partition(".")
    return (named, kind) if head in ("market", "public") else ("", "")


_CHANNELS: Final = frozenset(("trade.detail", MARK, INDEX))


def _trades(rows: list[_Trade], index: int, book: WireBook) -> Parsed:
    trades = [
        trade_of(book, "trade.detail", row, index, row.ts, row.price, row.contracts * ONE_SIDE,
                 bought=taker_bought(row.direction, "buy", "sell"))
        for row in rows
    ]
    return Parsed([one for one in trades if one is not None])


def _price(kind: str, index: int, time_ms: int, close: float | str | None, book: WireBook) -> list[MarketEvent]:
    """The last price of the minute that is running. The index travels on with the next mark."""
    price = book.figure(f"{kind} close", close, close)
    if kind == MARK:
        return book.mark(index, time_ms, price, None)
    return book.mark(index, time_ms, None, price)


def _other(frame: Any, book: WireBook) -> Parsed:
    if not isinstance(frame, dict):
        return NOT_OURS
    if frame.get("op") == "notify" and isinstance(frame.get("topic"), str):
        return _notified(frame, book)
    if not isinstance(frame.get("ch"), str):
        return NOT_OURS
    named, kind = _named(frame["ch"])
    if kind not in _CHANNELS:
        return NOT_OURS
    index = book.index_of.get(named)
    if index is None:
        return Parsed(ignored=1)
    tick = frame.get("tick")
    rows = tick.get("data") if isinstance(tick, dict) else None
    if kind != "trade.detail" or not isinstance(rows, list):
        raise book.malformed(kind, tick, frame)
    typed = [typed_row(row, _Trade, "trade.detail", book) for row in rows]
    return _trades([row for row in typed if row is not None], index, book)


def _notified(frame: dict[str, Any], book: WireBook) -> Parsed:
    """Of one contract or of all (`public.*.liquidation_orders`)."""
    kind = _named(frame["topic"])[1]
    read = _READERS.get(kind)
    rows = frame.get("data")
    if read is None:
        return NOT_OURS
    if not isinstance(rows, list):
        raise book.malformed(kind, rows, frame)
    own = [row for row in rows if not foreign(row, "contract_code", book)]
    facts = read(own, frame, book) if own else []
    return Parsed(facts=facts, ignored=len(rows) - len(own))


def _forced(rows: list[Any], frame: dict[str, Any], book: WireBook) -> list[MarketEvent]:
    del frame
    typed = [typed_row(row, _Forced, FORCED, book) for row in rows]
    return each((row for row in typed if row is not None), lambda row: [_forced_fact(row, book)], book)


def _forced_fact(row: _Forced, book: WireBook) -> Liquidation:
    """The venue gives the side of the order, so a sell closed a long. Its volume counts once."""
    if row.direction not in ("sell", "buy"):
        raise book.malformed(f"{FORCED} direction", row.direction)
    side = Side.LONG if row.direction == "sell" else Side.SHORT
    return book.liquidation(book.index_of[row.contract], row.time_ms, side, row.price, row.contracts)


def _fundings(rows: list[Any], frame: dict[str, Any], book: WireBook) -> list[MarketEvent]:
    time_ms = book.convert(frame.get("ts"), int, f"{FUNDING} ts")
    typed = [typed_row(row, _Funding, FUNDING, book) for row in rows]
    return each(
        (row for row in typed if row is not None),
        lambda row: book.funding(book.index_of[row.contract], time_ms, row.rate), book,
    )


_READERS: Final[dict[str, Callable[[list[Any], dict[str, Any], WireBook], list[MarketEvent]]]] = {
    FORCED: _forced, FUNDING: _fundings,
}
