"""Bitget's public messages of its unified stream (v3): trades, tickers and forced orders.

Trades are counted in base coin, of coin-margined contracts in USD; forced orders in quote coin everywhere.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final, TypeVar

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
from liqbot.venues.rows import BROKEN, RowShape, each, figures, typed_row

Row = TypeVar("Row")


class _Arg(msgspec.Struct, frozen=True, gc=False):
    topic: str = ""
    symbol: str = ""


class _Frame(msgspec.Struct, gc=False):
    """`event` marks acknowledgements and errors. The rows are decoded apart, by topic."""

    arg: _Arg = _Arg()
    action: str = ""
    event: str | None = None
    ts: int | str = 0
    data: msgspec.Raw = msgspec.Raw(b"null")


class _Trade(msgspec.Struct, gc=False):
    """Trades with `isRPI` are of the book, at its best price or a better one, and count like any other."""

    time_ms: int = msgspec.field(name="T")
    side: str = msgspec.field(name="S")
    amount: float = msgspec.field(name="v")
    price: float = msgspec.field(name="p")


class TickerFigures(msgspec.Struct, gc=False, rename="camel"):
    """Empty strings on contracts that pay no funding."""

    mark_price: float | str | None = None
    index_price: float | str | None = None
    funding_rate: float | str | None = None
    open_interest: float | str | None = None


class _Forced(msgspec.Struct, gc=False):
    symbol: str
    side: str
    price: float
    quote: float = msgspec.field(name="amount")
    ts: int


_FRAME: Final = msgspec.json.Decoder(_Frame)
_TRADES: Final = msgspec.json.Decoder(list[_Trade], strict=False)
_TICKERS: Final = msgspec.json.Decoder(list[TickerFigures], strict=False)
_FIGURES: Final = frozenset(one.encode_name for one in msgspec.structs.fields(TickerFigures))
_FORCED: Final = RowShape("liquidation", _Forced, "symbol")


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else; of a frame of many rows the
    unreadable ones are left out and noted in the book."""
    try:
        frame = _FRAME.decode(raw)
    except BROKEN as error:
        return _broken(raw, error, book)
    read = _TOPICS.get(frame.arg.topic)
    return NOT_OURS if read is None or frame.event is not None else read(frame, raw, book)


def _broken(raw: str | bytes, error: Exception, book: WireBook) -> Parsed:
    """A frame whose shell does not fit: ours, as far as it says so."""
    frame = decoded(raw, book)
    arg = frame.get("arg") if isinstance(frame, dict) else None
    topic = arg.get("topic") if isinstance(arg, dict) else None
    if isinstance(topic, str) and topic in _TOPICS:
        raise book.malformed(topic, error, frame)
    return NOT_OURS


def _rows(
    decode: Callable[[msgspec.Raw], list[Row]], shape: type[Row], what: str, data: msgspec.Raw, book: WireBook
) -> list[Row]:
    try:
        return decode(data)
    except BROKEN as error:
        rows = decoded(bytes(data), book)
        if not isinstance(rows, list):
            raise book.malformed(what, error, rows) from None
        typed = (typed_row(row, shape, what, book) for row in rows)
        return [row for row in typed if row is not None]


def _trades(frame: _Frame, raw: str | bytes, book: WireBook) -> Parsed:
    """A snapshot tells anew what traded before the subscription: it is left out, or every reconnect would count it
    once more."""
    del raw
    index = book.index_of.get(frame.arg.symbol)
    if index is None or frame.action == "snapshot":
        return Parsed(ignored=1)
    per_price, flat = book.factors[index]
    trades: list[Trade] = []
    for entry in _rows(_TRADES.decode, _Trade, "publicTrade", frame.data, book):
        price, amount, time_ms = entry.price, entry.amount, entry.time_ms
        if not (0.0 < price < PRICE_MAX and 0.0 < amount < AMOUNT_MAX and 0 < time_ms < TIME_MS_MAX):
            book.reject(book.malformed("publicTrade", (time_ms, price, amount), entry))
            continue
        bought = entry.side == "buy"
        if not bought and entry.side != "sell":
            book.reject(book.malformed("publicTrade S", entry.side, entry))
            continue
        trades.append((index, time_ms, price, amount * (per_price * price + flat), bought))
    return Parsed(trades)


def _tickers(frame: _Frame, raw: str | bytes, book: WireBook) -> Parsed:
    """Whole pictures of one contract; their time is that of the frame."""
    del raw
    index = book.index_of.get(frame.arg.symbol)
    if index is None:
        return Parsed(ignored=1)
    time_ms = book.convert(frame.ts, int, "ticker ts")
    return Parsed(facts=[fact for row in _ticker_rows(frame.data, book) for fact in
                         ticker_facts(row, index, time_ms, book)])


def _ticker_rows(data: msgspec.Raw, book: WireBook) -> list[TickerFigures]:
    """Once more without the figures that are of no kind of number, where the frame does not fit as a whole."""
    try:
        return _TICKERS.decode(data)
    except BROKEN as error:
        rows = decoded(bytes(data), book)
        if not isinstance(rows, list):
            raise book.malformed("ticker", error, rows) from None
    found: list[TickerFigures] = []
    for row in rows:
        found += whole_ticker(row, TickerFigures, book)
    return found


Ticker = TypeVar("Ticker", bound=TickerFigures)


def whole_ticker(row: Any, shape: type[Ticker], book: WireBook) -> list[Ticker]:
    """One decoded ticker without its unreadable figures, which are noted; none where it does not fit even so."""
    if isinstance(row, dict):
        for key in sorted(_FIGURES & {key for key, value in row.items() if isinstance(value, bool | dict | list)}):
            book.reject(book.malformed(f"ticker {key}", row[key], row))
            row = {name: value for name, value in row.items() if name != key}
    typed = typed_row(row, shape, "ticker", book)
    return [] if typed is None else [typed]


def ticker_facts(ticker: TickerFigures, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    """Each figure is read apart: an unreadable one does not cost the others."""
    return figures(ticker, index, time_ms, _READERS, book)


def _marked(ticker: TickerFigures, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    mark_price = book.figure("ticker markPrice", ticker.mark_price, ticker)
    return book.mark(index, time_ms, mark_price, book.figure("ticker indexPrice", ticker.index_price, ticker))


def _funded(ticker: TickerFigures, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    """What is expected to be paid next; the interval is requested."""
    return book.funding(index, time_ms, book.figure("ticker fundingRate", ticker.funding_rate, ticker))


def _interest(ticker: TickerFigures, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    """In base coin. The unit of coin-margined contracts is not documented here: theirs is requested apart."""
    base = book.figure("ticker openInterest", ticker.open_interest, ticker)
    return [] if base is None or book.contracts[index].inverse else book.open_interest(index, time_ms, base)


_READERS: Final = (_marked, _funded, _interest)


def _forced(frame: _Frame, raw: str | bytes, book: WireBook) -> Parsed:
    """Of every contract of a kind; once a second the largest of each side."""
    del frame
    parsed = Parsed()
    rows = _FORCED.rows(raw, book, parsed)
    parsed.facts = each(_watched(rows, book, parsed), lambda row: [_forced_fact(row, book)], book)
    return parsed


def _watched(rows: Iterable[_Forced], book: WireBook, parsed: Parsed) -> list[_Forced]:
    known = []
    for row in rows:
        if row.symbol in book.index_of:
            known.append(row)
        else:
            parsed.ignored += 1
    return known


def _forced_fact(row: _Forced, book: WireBook) -> Liquidation:
    """The side is that of the position (buy: a long was liquidated), the amount in quote coin."""
    if row.side not in ("buy", "sell"):
        raise book.malformed("liquidation side", row.side)
    index = book.index_of[row.symbol]
    contract, side = book.contracts[index], Side.LONG if row.side == "buy" else Side.SHORT
    price = book.positive("liquidation price", row.price, PRICE_MAX)
    per_unit = contract.usd(1.0, price)
    return book.liquidation(index, row.ts, side, price, row.quote / per_unit)


_TOPICS: Final[dict[str, Callable[[_Frame, str | bytes, WireBook], Parsed]]] = {
    "publicTrade": _trades,
    "ticker": _tickers,
    "liquidation": _forced,
}
