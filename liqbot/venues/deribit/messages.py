"""Deribit's public messages (JSON-RPC v2): trades with forced orders among them, and whole tickers."""

from typing import Any, Final

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
from liqbot.venues.rows import BROKEN, fault_of, figures, foreign, typed_row

FUNDING_H: Final = 8.0
"""Rates are quoted for eight hours; they are paid continuously."""
_TAKER, _MAKER, _BOTH = "T", "M", "MT"


class _Trade(msgspec.Struct, gc=False):
    """`amount` is in USD on inverse contracts, in coin on linear ones; contracts are not always given."""

    instrument_name: str
    timestamp: int
    direction: str
    """The taker's."""
    price: float
    amount: float
    liquidation: str | None = None
    """Who was liquidated: T the taker, M the maker, MT both."""
    block_trade_id: Any = None
    combo_id: Any = None
    combo_trade_id: Any = None

    @property
    def off_book(self) -> bool:
        """Agreed on as a block, or priced as a leg of a combination: not a price of this contract's order book."""
        return self.block_trade_id is not None or self.combo_id is not None or self.combo_trade_id is not None


class DeribitTicker(msgspec.Struct, gc=False):
    """Always whole. Only perpetuals have funding."""

    instrument_name: str
    timestamp: int
    mark_price: Any = None
    index_price: Any = None
    open_interest: Any = None
    current_funding: Any = None


class _Params(msgspec.Struct, gc=False):
    channel: str
    data: msgspec.Raw


class _Notification(msgspec.Struct, gc=False):
    """A notification has a method and a channel; an answer has neither."""

    params: _Params
    method: str = ""


_NOTIFICATIONS: Final = msgspec.json.Decoder(_Notification)
_TRADES: Final = msgspec.json.Decoder(list[_Trade], strict=False)
_TICKERS: Final = msgspec.json.Decoder(DeribitTicker, strict=False)


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else; of a frame of many trades
    the unreadable ones are left out and noted in the book."""
    try:
        params = _NOTIFICATIONS.decode(raw).params
    except BROKEN:
        decoded(raw, book)
        return NOT_OURS
    if params.channel.startswith("trades."):
        return _trades(params.data, book)
    if params.channel.startswith("ticker."):
        return _ticker(params.data, book)
    return NOT_OURS


def _trades(raw: msgspec.Raw, book: WireBook) -> Parsed:
    parsed = Parsed([], facts=[])
    try:
        rows = _TRADES.decode(raw)
    except BROKEN as error:
        rows = _apart(raw, error, parsed, book)
    for row in rows:
        index = book.index_of.get(row.instrument_name)
        if index is None:
            parsed.ignored += 1
        elif row.off_book:
            book.off_book += 1
        else:
            _take(row, index, parsed, book)
    return parsed


def _apart(raw: msgspec.Raw, error: Exception, parsed: Parsed, book: WireBook) -> list[_Trade]:
    """The rows of a frame that does not fit as a whole."""
    rows = decoded(bytes(raw), book)
    if not isinstance(rows, list):
        raise book.malformed("trades", error, rows)
    own = [row for row in rows if not foreign(row, "instrument_name", book)]
    parsed.ignored += len(rows) - len(own)
    return [row for row in (typed_row(row, _Trade, "trades", book) for row in own) if row is not None]


def _take(row: _Trade, index: int, parsed: Parsed, book: WireBook) -> None:
    price, time_ms = row.price, row.timestamp
    if not (0.0 < price < PRICE_MAX and 0.0 < row.amount < AMOUNT_MAX and 0 < time_ms < TIME_MS_MAX):
        book.reject(book.malformed("trades", (time_ms, price, row.amount), row))
        return
    bought = row.direction == "buy"
    if not bought and row.direction != "sell":
        book.reject(book.malformed("trades direction", row.direction, row))
        return
    size_usd = row.amount if book.contracts[index].inverse else row.amount * price
    trade: Trade = (index, time_ms, price, size_usd, bought)
    parsed.trades.append(trade)
    if row.liquidation is None:
        return
    amount = in_contracts(row.amount, index, book)
    for closed in _closed_sides(row.liquidation, bought=bought):
        parsed.facts.append(book.liquidation(index, time_ms, closed, price, amount))
    if row.liquidation not in (_TAKER, _MAKER, _BOTH):
        book.reject(book.malformed("trades liquidation", row.liquidation, row))


def _closed_sides(letters: str, *, bought: bool) -> list[Side]:
    """Of the positions that were closed: a taker who bought closed a short, the maker who sold to him a long."""
    takers, makers = (Side.SHORT, Side.LONG) if bought else (Side.LONG, Side.SHORT)
    return {_TAKER: [takers], _MAKER: [makers], _BOTH: [takers, makers]}.get(letters, [])


def in_contracts(amount: float, index: int, book: WireBook) -> float:
    """The venue counts in USD or coin, never in contracts of 10 USD or .001 coin."""
    return amount / book.contracts[index].contract_units


def _ticker(raw: msgspec.Raw, book: WireBook) -> Parsed:
    try:
        ticker = _TICKERS.decode(raw)
    except BROKEN as error:
        row = decoded(bytes(raw), book)
        if foreign(row, "instrument_name", book):
            return Parsed(ignored=1)
        raise fault_of(row, error, "ticker", book) from None
    index = book.index_of.get(ticker.instrument_name)
    if index is None:
        return Parsed(ignored=1)
    return Parsed(facts=ticker_facts(ticker, index, book))


def ticker_facts(ticker: DeribitTicker, index: int, book: WireBook) -> list[MarketEvent]:
    """Each figure is read apart: an unreadable one does not cost the others."""
    return figures(ticker, index, ticker.timestamp, _READERS, book)


def _marked(ticker: DeribitTicker, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    mark_price = book.figure("ticker mark_price", ticker.mark_price, ticker)
    return book.mark(index, time_ms, mark_price, book.figure("ticker index_price", ticker.index_price, ticker))


def _funded(ticker: DeribitTicker, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    """What is being paid now; `funding_8h` is what was paid over the last eight hours."""
    rate = book.figure("ticker current_funding", ticker.current_funding, ticker)
    return [] if rate is None else book.funding(index, time_ms, rate, FUNDING_H)


def _interest(ticker: DeribitTicker, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    """One side, in USD on inverse contracts, in coin on linear ones."""
    amount = book.figure("ticker open_interest", ticker.open_interest, ticker)
    return [] if amount is None else book.open_interest(index, time_ms, in_contracts(amount, index, book))


_READERS: Final = (_marked, _funded, _interest)
