"""Bybit's public messages: trades, forced orders, and tickers: mark, index, funding and open interest, as changes."""

from collections.abc import Callable
from typing import Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.instruments import Side
from liqbot.venues.parsing import (
    AMOUNT_MAX,
    NOT_OURS,
    PRICE_MAX,
    TIME_MS_MAX,
    Parsed,
    Trade,
    WireBook,
    decoded,
)


class _Trade(msgspec.Struct, gc=False):
    time_ms: int = msgspec.field(name="T")
    symbol: str = msgspec.field(name="s")
    side: str = msgspec.field(name="S")
    amount: float = msgspec.field(name="v")
    price: float = msgspec.field(name="p")


class _Trades(msgspec.Struct, gc=False):
    data: list[_Trade]


class TickerMessage(msgspec.Struct, gc=False, rename="camel"):
    """Only what changed; empty strings on contracts that pay no funding."""

    symbol: str
    mark_price: float | str | None = None
    index_price: float | str | None = None
    open_interest: float | str | None = None
    single_open_interest: float | str | None = None
    funding_rate: float | str | None = None
    funding_interval_hour: float | str | None = None


class _Tickers(msgspec.Struct, gc=False):
    ts: int
    data: TickerMessage


class _Forced(msgspec.Struct, gc=False):
    time_ms: int = msgspec.field(name="T")
    symbol: str = msgspec.field(name="s")
    side: str = msgspec.field(name="S")
    amount: float = msgspec.field(name="v")
    price: float = msgspec.field(name="p")


class _AllForced(msgspec.Struct, gc=False):
    data: list[_Forced]


class _OldForced(msgspec.Struct, gc=False, rename="camel"):
    """Of the topic that was there before: one a second; its time and size changed their names over the years."""

    symbol: str
    side: str
    price: float
    size: float | None = None
    qty: float | None = None
    time: int | None = None
    updated_time: int | None = None


class _OldForcedOrders(msgspec.Struct, gc=False):
    data: _OldForced | list[_OldForced]


class _Envelope(msgspec.Struct, gc=False):
    topic: str = ""


_TRADE_HEAD: Final = '{"topic":"publicTrade.'
_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)
_TRADES: Final = msgspec.json.Decoder(_Trades, strict=False)
_TICKERS: Final = msgspec.json.Decoder(_Tickers, strict=False)
_ALL_FORCED: Final = msgspec.json.Decoder(_AllForced, strict=False)
_OLD_FORCED: Final = msgspec.json.Decoder(_OldForcedOrders, strict=False)
_BROKEN: Final = (msgspec.MsgspecError, UnicodeError, RecursionError)


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else."""
    if isinstance(raw, str) and raw.startswith(_TRADE_HEAD):
        return _trades(raw, book)
    try:
        topic = _ENVELOPE.decode(raw).topic
    except _BROKEN:
        decoded(raw, book)
        return NOT_OURS
    for head, read in _TOPICS:
        if topic.startswith(head):
            return read(raw, book)
    return NOT_OURS


def _trades(raw: str | bytes, book: WireBook) -> Parsed:
    try:
        entries = _TRADES.decode(raw).data
    except _BROKEN as error:
        raise book.malformed("publicTrade", error) from None
    trades: list[Trade] = []
    ignored = 0
    for entry in entries:
        index = book.index_of.get(entry.symbol)
        if index is None:
            ignored += 1
            continue
        price, amount, time_ms = entry.price, entry.amount, entry.time_ms
        if not (0.0 < price < PRICE_MAX and 0.0 < amount < AMOUNT_MAX and 0 < time_ms < TIME_MS_MAX):
            raise book.malformed("publicTrade", (time_ms, price, amount))
        bought = entry.side == "Buy"
        if not bought and entry.side != "Sell":
            raise book.malformed("publicTrade S", entry.side)
        per_price, flat = book.factors[index]
        trades.append((index, time_ms, price, amount * (per_price * price + flat), bought))
    return Parsed(trades, ignored=ignored)


def _tickers(raw: str | bytes, book: WireBook) -> Parsed:
    try:
        message = _TICKERS.decode(raw)
    except _BROKEN as error:
        raise book.malformed("tickers", error) from None
    index = book.index_of.get(message.data.symbol)
    if index is None:
        return Parsed(ignored=1)
    return Parsed(facts=ticker_facts(message.data, index, message.ts, book))


def ticker_facts(ticker: TickerMessage, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    """Open interest counts both sides unless the venue gives the single-sided figure too."""
    facts = book.mark(index, time_ms, _number(ticker.mark_price, "markPrice", book),
                      _number(ticker.index_price, "indexPrice", book))
    facts += book.funding(index, time_ms, _number(ticker.funding_rate, "fundingRate", book),
                          _number(ticker.funding_interval_hour, "fundingIntervalHour", book))
    single = _number(ticker.single_open_interest, "singleOpenInterest", book)
    both = _number(ticker.open_interest, "openInterest", book)
    if single is not None:
        facts += book.open_interest(index, time_ms, single, two_sided=False)
    elif both is not None:
        facts += book.open_interest(index, time_ms, both)
    return facts


def _number(value: float | str | None, field: str, book: WireBook) -> float | None:
    if value is None or value == "":
        return None
    return value if isinstance(value, float) else book.convert(value, float, f"tickers {field}")


def _all_forced(raw: str | bytes, book: WireBook) -> Parsed:
    """Every forced order, in batches of 500 ms."""
    try:
        entries = _ALL_FORCED.decode(raw).data
    except _BROKEN as error:
        raise book.malformed("allLiquidation", error) from None
    facts: list[MarketEvent] = []
    for entry in entries:
        index = book.index_of.get(entry.symbol)
        if index is not None:
            side = _closed_side(entry.side, book)
            facts.append(book.liquidation(index, entry.time_ms, side, entry.price, entry.amount))
    return Parsed(facts=facts, ignored=len(entries) - len(facts))


def _old_forced(raw: str | bytes, book: WireBook) -> Parsed:
    try:
        data = _OLD_FORCED.decode(raw).data
    except _BROKEN as error:
        raise book.malformed("liquidation", error) from None
    entries = data if isinstance(data, list) else [data]
    facts: list[MarketEvent] = []
    for entry in entries:
        index = book.index_of.get(entry.symbol)
        if index is not None:
            amount = entry.size if entry.size is not None else entry.qty
            time_ms = entry.updated_time if entry.updated_time is not None else entry.time
            if amount is None or time_ms is None:
                raise book.malformed("liquidation", entry)
            facts.append(book.liquidation(index, time_ms, _closed_side(entry.side, book), entry.price, amount))
    return Parsed(facts=facts, ignored=len(entries) - len(facts))


def _closed_side(side: str, book: WireBook) -> Side:
    """The venue names the side of the position: Buy means that a long was liquidated. Its price is the bankruptcy
    price."""
    if side not in ("Buy", "Sell"):
        raise book.malformed("liquidation side", side)
    return Side.LONG if side == "Buy" else Side.SHORT


_TOPICS: Final[tuple[tuple[str, Callable[[str | bytes, WireBook], Parsed]], ...]] = (
    ("publicTrade.", _trades),
    ("trade.linear.", _trades),
    ("trade.inverse.", _trades),
    ("tickers.", _tickers),
    ("allLiquidation.", _all_forced),
    ("liquidation.", _old_forced),
)
