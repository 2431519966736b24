"""Bullish's public messages: trades and ticks, which tell the funding rate in percent an hour. Times are read from
their texts: the numbers beside them come in milliseconds or nanoseconds."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.frames import frame_of, listed, printed, prints, taker_bought, typed_rows, word
from liqbot.venues.parsing import NOT_OURS, Parsed, Trade, WireBook
from liqbot.venues.rows import figures


class _Trade(msgspec.Struct, rename="camel", gc=False):
    price: float
    quantity: float
    side: str
    is_taker: bool
    created_at_datetime: str
    otc_trade_id: str | None = None
    auction_id: str | None = None


class _Tick(msgspec.Struct, rename="camel", gc=False):
    """An update holds what changed."""

    created_at_datetime: str
    mark_price: float | str | None = None
    funding_rate: float | str | None = None
    open_interest: float | str | None = None


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else."""
    frame = frame_of(raw, book)
    kind = word(frame, "dataType")
    if kind not in ("V1TAAnonymousTradeUpdate", "V1TATickerResponse"):
        return NOT_OURS
    data = frame.get("data")
    index = book.index_of.get(word(data, "symbol"))
    if index is None:
        return Parsed(ignored=1)
    if kind == "V1TATickerResponse":
        return _ticked(data, index, book)
    rows = listed(data, "trades", book, "trades")
    if word(frame, "type") == "snapshot":
        # A hundred trades of before.
        return Parsed(ignored=len(rows))
    return _traded(rows, index, book)


def _traded(rows: list[Any], index: int, book: WireBook) -> Parsed:
    """The side is that of one of the two orders, which took or was taken. What was agreed on and what an auction
    crossed is no trade that anybody took."""
    read = typed_rows(rows, _Trade, "trades", book)
    taken = [row for row in read if not row.otc_trade_id and not row.auction_id]
    book.off_book += len(read) - len(taken)

    def trade(row: _Trade) -> Trade:
        time_ms = book.iso_time("trades createdAtDatetime", row.created_at_datetime)
        bought = taker_bought(row.side, book) is row.is_taker
        return printed(book, index, time_ms, row.price, row.quantity, bought=bought)

    return Parsed(prints(taken, trade, book))


def _ticked(data: Any, index: int, book: WireBook) -> Parsed:
    parsed = Parsed()
    for row in typed_rows([data], _Tick, "tick", book):
        time_ms = book.iso_time("tick createdAtDatetime", row.created_at_datetime)
        parsed.facts += figures(row, index, time_ms, _FIGURES, book)
    return parsed


def _marked(row: _Tick, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    mark_price = book.figure("tick markPrice", row.mark_price, row)
    return [] if mark_price is None else book.mark(index, time_ms, mark_price, None)


def _opened(row: _Tick, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    amount = book.figure("tick openInterest", row.open_interest, row)
    return [] if amount is None else book.open_interest(index, time_ms, amount)


def _funded(row: _Tick, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    rate_pct = book.figure("tick fundingRate", row.funding_rate, row)
    return [] if rate_pct is None else book.funding(index, time_ms, rate_pct / 100.0)


_FIGURES: Final = (_marked, _opened, _funded)
