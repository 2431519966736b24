"""Bybit's public messages: trades, forced orders, and tickers: mark, index, funding and open interest, as changes."""

from collections.abc import Callable
from typing import Any, Final

import msgspec

from liqbot.events import Liquidation, MarketEvent
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
from liqbot.venues.rows import BROKEN, RowShape, each, fault_of, figures, foreign, typed_row


class _Trade(msgspec.Struct, gc=False):
    time_ms: int = msgspec.field(name="T")
    symbol: str = msgspec.field(name="s")
    side: str = msgspec.field(name="S")
    amount: float = msgspec.field(name="v")
    price: float = msgspec.field(name="p")
    block: bool | None = msgspec.field(name="BT", default=None)
    """Agreed on outside the order book. Trades with `RPI` are of the book, at its best price or a better one, and
    count like any other."""


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


class _OldForced(msgspec.Struct, gc=False, rename="camel"):
    """Of the topic that was there before: one a second; its time and size changed their names over the years."""

    symbol: str
    side: str
    price: float
    size: float | None = None
    qty: float | None = None
    time: int | None = None
    updated_time: int | None = None


class _Envelope(msgspec.Struct, gc=False):
    topic: str = ""


_TRADE_HEAD: Final = '{"topic":"publicTrade.'
_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)
_TRADES: Final = RowShape("publicTrade", _Trade, "s")
_TICKERS: Final = msgspec.json.Decoder(_Tickers, strict=False)
_FIGURES: Final = frozenset(one.encode_name for one in msgspec.structs.fields(TickerMessage)) - {"symbol"}
_ALL_FORCED: Final = RowShape("allLiquidation", _Forced, "s")


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else; of a frame of many rows the
    unreadable ones are left out and noted in the book."""
    if isinstance(raw, str) and raw.startswith(_TRADE_HEAD):
        return _trades(raw, book)
    try:
        topic = _ENVELOPE.decode(raw).topic
    except BROKEN:
        decoded(raw, book)
        return NOT_OURS
    for head, read in _TOPICS:
        if topic.startswith(head):
            return read(raw, book)
    return NOT_OURS


def _trades(raw: str | bytes, book: WireBook) -> Parsed:
    ignored = 0
    try:
        entries = _TRADES.decode(raw).data
    except BROKEN as error:
        entries, ignored = _TRADES.apart(raw, error, book)
    trades: list[Trade] = []
    for entry in entries:
        index = book.index_of.get(entry.symbol)
        if index is None:
            ignored += 1
            continue
        price, amount, time_ms = entry.price, entry.amount, entry.time_ms
        if not (0.0 < price < PRICE_MAX and 0.0 < amount < AMOUNT_MAX and 0 < time_ms < TIME_MS_MAX):
            book.reject(book.malformed("publicTrade", (time_ms, price, amount), entry))
            continue
        bought = entry.side == "Buy"
        if not bought and entry.side != "Sell":
            book.reject(book.malformed("publicTrade S", entry.side, entry))
            continue
        if entry.block:
            book.off_book += 1
            continue
        per_price, flat = book.factors[index]
        trades.append((index, time_ms, price, amount * (per_price * price + flat), bought))
    return Parsed(trades, ignored=ignored)


def _tickers(raw: str | bytes, book: WireBook) -> Parsed:
    try:
        message = _TICKERS.decode(raw)
    except BROKEN as error:
        return _broken_ticker(decoded(raw, book), error, book)
    index = book.index_of.get(message.data.symbol)
    if index is None:
        return Parsed(ignored=1)
    return Parsed(facts=ticker_facts(message.data, index, message.ts, book))


def _broken_ticker(frame: Any, error: Exception, book: WireBook) -> Parsed:
    """Once more without the figures that are of no kind of number."""
    row = frame.get("data") if isinstance(frame, dict) else None
    if foreign(row, "symbol", book):
        return Parsed(ignored=1)
    if not isinstance(row, dict):
        raise fault_of(frame, error, "tickers", book)
    broken = {key for key in _FIGURES if isinstance(row.get(key), bool | dict | list)}
    if not broken:
        raise fault_of(frame, error, "tickers", book)
    for key in sorted(broken):
        book.reject(book.malformed(f"tickers {key}", row[key], row))
    left = {key: value for key, value in row.items() if key not in broken}
    message = book.convert({**frame, "data": left}, _Tickers, "tickers")
    return Parsed(facts=ticker_facts(message.data, book.index_of[message.data.symbol], message.ts, book))


def ticker_facts(ticker: TickerMessage, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    """Each figure is read apart: an unreadable one does not cost the others."""
    return figures(ticker, index, time_ms, _READERS, book)


def _marked(ticker: TickerMessage, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    mark_price = book.figure("tickers markPrice", ticker.mark_price, ticker)
    return book.mark(index, time_ms, mark_price, book.figure("tickers indexPrice", ticker.index_price, ticker))


def _funded(ticker: TickerMessage, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    return book.funding(index, time_ms, book.figure("tickers fundingRate", ticker.funding_rate, ticker),
                        book.figure("tickers fundingIntervalHour", ticker.funding_interval_hour, ticker))


def _interest(ticker: TickerMessage, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    """Counts both sides unless the venue gives the single-sided figure too."""
    single = book.figure("tickers singleOpenInterest", ticker.single_open_interest, ticker)
    if single is not None:
        return book.open_interest(index, time_ms, single, two_sided=False)
    both = book.figure("tickers openInterest", ticker.open_interest, ticker)
    return [] if both is None else book.open_interest(index, time_ms, both)


_READERS: Final = (_marked, _funded, _interest)


def _all_forced(raw: str | bytes, book: WireBook) -> Parsed:
    """Every forced order, in batches of 500 ms."""
    parsed = Parsed()
    rows = _ALL_FORCED.rows(raw, book, parsed)
    known = [row for row in rows if row.symbol in book.index_of]
    parsed.ignored += len(rows) - len(known)
    parsed.facts = each(known, lambda row: [_forced_fact(row, book)], book)
    return parsed


def _forced_fact(row: _Forced, book: WireBook) -> Liquidation:
    side = _closed_side(row.side, book)
    return book.liquidation(book.index_of[row.symbol], row.time_ms, side, row.price, row.amount)


def _old_forced(raw: str | bytes, book: WireBook) -> Parsed:
    """One order a frame, in later years a list of them."""
    frame = decoded(raw, book)
    data = frame.get("data") if isinstance(frame, dict) else None
    rows = data if isinstance(data, list) else [data]
    known = [row for row in rows if not foreign(row, "symbol", book)]
    typed = [row for row in (typed_row(row, _OldForced, "liquidation", book) for row in known) if row is not None]
    return Parsed(facts=each(typed, lambda row: [_old_fact(row, book)], book), ignored=len(rows) - len(known))


def _old_fact(row: _OldForced, book: WireBook) -> Liquidation:
    amount = row.size if row.size is not None else row.qty
    time_ms = row.updated_time if row.updated_time is not None else row.time
    if amount is None or time_ms is None:
        raise book.malformed("liquidation", row)
    return book.liquidation(book.index_of[row.symbol], time_ms, _closed_side(row.side, book), row.price, amount)


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
