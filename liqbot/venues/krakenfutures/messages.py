"""Kraken Futures' public messages (websocket v1): trades with forced orders among them, and a whole ticker a second."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.instruments import Side
from liqbot.venues.parsing import NOT_OURS, MalformedMessage, Parsed, Trade, WireBook, decoded
from liqbot.venues.rows import BROKEN, fault_of, figures, foreign, typed_row

FUNDING_H: Final = 1.0
"""Rates are of one hour (`next_funding_rate_time` is the next full one)."""
IN_THE_BOOK: Final = frozenset({"fill", "liquidation"})
"""Kinds of trade that are prices of the market. Others (`termination`, `block`, and whatever comes later) are not."""
_FORCED: Final = "liquidation"


class _Trade(msgspec.Struct, gc=False):
    product_id: str
    side: str
    time: int
    qty: float
    price: float
    type: str = "fill"
    seq: int = 0
    """Counts the trades of its contract."""


class _Ticker(msgspec.Struct, gc=False):
    """Always whole. A rate of zero is left out; contracts that expire have no next time, others none before their first
    hour."""

    product_id: str
    time: int
    mark_price: Any = msgspec.field(name="markPrice", default=None)
    index_price: Any = msgspec.field(name="index", default=None)
    open_interest: Any = msgspec.field(name="openInterest", default=None)
    relative_rate: Any = msgspec.field(name="relative_funding_rate", default=None)
    next_ms: Any = msgspec.field(name="next_funding_rate_time", default=None)


class _Envelope(msgspec.Struct, gc=False):
    feed: str = ""
    event: str = ""


_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)
_TRADES: Final = msgspec.json.Decoder(_Trade, strict=False)
_TICKERS: Final = msgspec.json.Decoder(_Ticker, strict=False)


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else."""
    try:
        envelope = _ENVELOPE.decode(raw)
    except BROKEN:
        decoded(raw, book)
        return NOT_OURS
    if envelope.event:
        return NOT_OURS
    if envelope.feed == "trade":
        return _trade(raw, book)
    if envelope.feed == "ticker":
        return _ticker(raw, book)
    return _snapshot(decoded(raw, book), book) if envelope.feed == "trade_snapshot" else NOT_OURS


def _snapshot(frame: Any, book: WireBook) -> Parsed:
    """The last hundred trades, newest first, sent after subscribing. Those that fell into a gap of the connection are
    taken; whatever came before we listened at all, and what was counted already, is not."""
    if foreign(frame, "product_id", book):
        return Parsed(ignored=1)
    listed = frame.get("trades")
    index = book.index_of.get(frame.get("product_id", "")) if isinstance(frame.get("product_id"), str) else None
    if index is None or not isinstance(listed, list):
        raise book.malformed("trade_snapshot", listed, frame)
    typed = [typed_row(row, _Trade, "trade_snapshot", book) for row in listed]
    rows = sorted((row for row in typed if row is not None), key=lambda row: row.seq)
    known = book.trade_numbers[index]
    missed = [row for row in rows if row.seq > known > 0 and book.index_of.get(row.product_id) == index]
    parsed = Parsed([], facts=[], ignored=len(rows) - len(missed))
    for row in missed:
        try:
            found = _taken(row, index, book)
        except MalformedMessage as error:
            book.reject(error, row)
            continue
        parsed.trades += found.trades
        parsed.facts += found.facts
    book.trade_numbers[index] = max([known, *(row.seq for row in rows)])
    return parsed


def _trade(raw: str | bytes, book: WireBook) -> Parsed:
    try:
        trade = _TRADES.decode(raw)
    except BROKEN as error:
        return _unreadable(raw, error, "trade", book)
    index = book.index_of.get(trade.product_id)
    if index is None:
        return Parsed(ignored=1)
    found = _taken(trade, index, book)
    # As it is, not the highest: the venue may begin anew.
    book.trade_numbers[index] = trade.seq
    return found


def _taken(trade: _Trade, index: int, book: WireBook) -> Parsed:
    time_ms = book.time("trade time", trade.time)
    price, amount = book.positive("trade price", trade.price), book.positive("trade qty", trade.qty)
    if trade.side not in ("buy", "sell"):
        raise book.malformed("trade side", trade.side)
    if trade.type not in IN_THE_BOOK:
        book.off_book += 1
        return Parsed()
    per_price, flat = book.factors[index]
    bought = trade.side == "buy"
    taken: list[Trade] = [(index, time_ms, price, amount * (per_price * price + flat), bought)]
    if trade.type != _FORCED:
        return Parsed(taken)
    # The side is the taker's, and the taker is the position that is being closed.
    closed = Side.SHORT if bought else Side.LONG
    return Parsed(taken, facts=[book.liquidation(index, time_ms, closed, price, amount)])


def _ticker(raw: str | bytes, book: WireBook) -> Parsed:
    try:
        ticker = _TICKERS.decode(raw)
    except BROKEN as error:
        return _unreadable(raw, error, "ticker", book)
    index = book.index_of.get(ticker.product_id)
    if index is None:
        return Parsed(ignored=1)
    return Parsed(facts=figures(ticker, index, ticker.time, _READERS, book))


def _unreadable(raw: str | bytes, error: Exception, what: str, book: WireBook) -> Parsed:
    frame = decoded(raw, book)
    if foreign(frame, "product_id", book):
        return Parsed(ignored=1)
    raise fault_of(frame, error, what, book)


def _marked(ticker: _Ticker, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    mark_price = book.figure("ticker markPrice", ticker.mark_price, ticker)
    return book.mark(index, time_ms, mark_price, book.figure("ticker index", ticker.index_price, ticker))


def _funded(ticker: _Ticker, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    """The relative rate is the share of the position that is paid at the end of this hour; the plain one is an amount
    of money per contract. The venue does not tell a rate of zero."""
    left_out = ticker.relative_rate is None
    rate = 0.0 if left_out else book.figure("ticker relative_funding_rate", ticker.relative_rate, ticker)
    next_ms = book.figure("ticker next_funding_rate_time", ticker.next_ms, ticker)
    return book.funding(index, time_ms, rate, FUNDING_H) if rate is not None and next_ms else []


def _interest(ticker: _Ticker, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    """One side, in coin (PF) or in contracts of one USD (PI)."""
    amount = book.figure("ticker openInterest", ticker.open_interest, ticker)
    return [] if amount is None else book.open_interest(index, time_ms, amount)


_READERS: Final = (_marked, _funded, _interest)
