"""Gate's public messages: trades, forced orders, and tickers: mark, index, funding and open interest. Sizes are in
contracts; their sign is a side."""

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
from liqbot.venues.rows import BROKEN, RowShape, each, figures

_ROWS: Final = "result"


class _Envelope(msgspec.Struct, gc=False):
    """`event` is `update` for market data; others acknowledge."""

    channel: str = ""
    event: str | None = None
    time_ms: int | None = None


class _Trade(msgspec.Struct, gc=False):
    contract: str
    size: float
    """Positive when the taker bought."""
    price: float
    create_time_ms: float
    is_internal: bool = False
    """Taken over by the insurance fund or by automatic deleveraging: no trade of the order book, and in no candle."""


class GateTicker(msgspec.Struct, gc=False):
    """`total_size` counts each contract once."""

    contract: str
    mark_price: float | str | None = None
    index_price: float | str | None = None
    funding_rate: float | str | None = None
    """What is going to be settled; `funding_rate_indicative` is deprecated in its favour."""
    total_size: float | str | None = None


class _Forced(msgspec.Struct, gc=False):
    contract: str
    size: float
    """Of the position that is closed: negative for a short, as in the account's own channel, whose documented example
    has an entry below its liquidation price."""
    price: float
    """Of the order."""
    time_ms: float


_ENVELOPE: Final = msgspec.json.Decoder(_Envelope)
_TRADES: Final = RowShape("futures.trades", _Trade, "contract", key=_ROWS)
_TICKERS: Final = RowShape("futures.tickers", GateTicker, "contract", key=_ROWS)
_FORCED: Final = RowShape("futures.public_liquidates", _Forced, "contract", key=_ROWS)


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else; of a frame of many rows the
    unreadable ones are left out and noted in the book."""
    try:
        envelope = _ENVELOPE.decode(raw)
    except BROKEN:
        frame = decoded(raw, book)
        channel = frame.get("channel") if isinstance(frame, dict) else None
        if not isinstance(channel, str) or channel not in _CHANNELS:
            return NOT_OURS
        envelope = book.convert(frame, _Envelope, channel)
    read = _CHANNELS.get(envelope.channel) if envelope.event == "update" else None
    return NOT_OURS if read is None else read(raw, book, envelope)


def _trades(raw: str | bytes, book: WireBook, envelope: _Envelope) -> Parsed:
    del envelope
    ignored = 0
    try:
        entries = _TRADES.decode(raw).data
    except BROKEN as error:
        entries, ignored = _TRADES.apart(raw, error, book)
    trades: list[Trade] = []
    for entry in entries:
        index = book.index_of.get(entry.contract)
        if index is None:
            ignored += 1
            continue
        price, amount, time_ms = entry.price, abs(entry.size), entry.create_time_ms
        if not (0.0 < price < PRICE_MAX and 0.0 < amount < AMOUNT_MAX and 0 < time_ms < TIME_MS_MAX):
            book.reject(book.malformed("futures.trades", (time_ms, price, amount), entry))
            continue
        if entry.is_internal:
            book.off_book += 1
            continue
        per_price, flat = book.factors[index]
        trades.append((index, int(time_ms), price, amount * (per_price * price + flat), entry.size > 0.0))
    return Parsed(trades, ignored=ignored)


def _tickers(raw: str | bytes, book: WireBook, envelope: _Envelope) -> Parsed:
    if envelope.time_ms is None:
        raise book.malformed("futures.tickers time_ms", None, decoded(raw, book))
    parsed = Parsed()
    for row in _TICKERS.rows(raw, book, parsed):
        index = book.index_of.get(row.contract)
        if index is None:
            parsed.ignored += 1
        else:
            parsed.facts += ticker_facts(row, index, envelope.time_ms, book)
    return parsed


def ticker_facts(ticker: GateTicker, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    """Each figure is read apart: an unreadable one does not cost the others."""
    return figures(ticker, index, time_ms, _READERS, book)


def _marked(ticker: GateTicker, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    mark_price = book.figure("tickers mark_price", ticker.mark_price, ticker)
    return book.mark(index, time_ms, mark_price, book.figure("tickers index_price", ticker.index_price, ticker))


def _funded(ticker: GateTicker, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    """Only the list of contracts states the interval."""
    return book.funding(index, time_ms, book.figure("tickers funding_rate", ticker.funding_rate, ticker))


def _interest(ticker: GateTicker, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    contracts = book.figure("tickers total_size", ticker.total_size, ticker)
    return [] if contracts is None else book.open_interest(index, time_ms, contracts)


_READERS: Final = (_marked, _funded, _interest)


def _forced(raw: str | bytes, book: WireBook, envelope: _Envelope) -> Parsed:
    """At most one order a second and contract."""
    del envelope
    parsed = Parsed()
    rows = _FORCED.rows(raw, book, parsed)
    known = [row for row in rows if row.contract in book.index_of]
    parsed.ignored += len(rows) - len(known)
    parsed.facts = each(known, lambda row: [_forced_fact(row, book)], book)
    return parsed


def _forced_fact(row: _Forced, book: WireBook) -> Liquidation:
    side, time_ms = Side.SHORT if row.size < 0.0 else Side.LONG, int(book.time("time_ms", row.time_ms))
    return book.liquidation(book.index_of[row.contract], time_ms, side, row.price, abs(row.size))


_CHANNELS: Final[dict[Any, Callable[[str | bytes, WireBook, _Envelope], Parsed]]] = {
    "futures.trades": _trades, "futures.tickers": _tickers, "futures.public_liquidates": _forced,
}
