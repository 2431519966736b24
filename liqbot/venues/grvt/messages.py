"""GRVT's public messages: trades and tickers; times in nanoseconds, rates in percent."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.frames import frame_of, printed, typed_rows, within, word
from liqbot.venues.parsing import NOT_OURS, MalformedMessage, Parsed, WireBook
from liqbot.venues.rows import figures

MS_NS: Final = 1_000_000
FORMER_MS: Final = 10_000
"""What comes in a snapshot and is older than this was traded before the subscription."""
_EIGHT_HOURS: Final = 8.0


class _Trade(msgspec.Struct, gc=False):
    time_ns: int = msgspec.field(name="event_time")
    price: float
    amount: float = msgspec.field(name="size")
    taker_buys: bool = msgspec.field(name="is_taker_buyer")
    trade_id: str
    venue: str


class GrvtTicker(msgspec.Struct, gc=False):
    """Of a stream or an answer. Newer tickers tell the rate by the market's own interval, and the interval with it."""

    instrument: str
    time_ns: int = msgspec.field(name="event_time")
    mark_price: float | str | None = None
    index_price: float | str | None = None
    open_interest: float | str | None = None
    rate_pct: float | str | None = msgspec.field(name="funding_rate", default=None)
    interval_h: float | str | None = msgspec.field(name="funding_interval_hours", default=None)
    eight_hours_pct: float | str | None = msgspec.field(name="funding_rate_8h_curr", default=None)


def parse(raw: str | bytes, book: WireBook) -> Parsed:
    """One message. MalformedMessage for a broken one of the kinds read here, nothing else."""
    frame = frame_of(raw, book)
    stream = word(frame, "stream")
    if stream not in ("v1.trade", "v1.ticker.s"):
        return NOT_OURS
    data = frame.get("feed")
    index = book.index_of.get(word(data, "instrument"))
    if index is None:
        return Parsed(ignored=1)
    if stream == "v1.ticker.s":
        return Parsed(facts=ticker_facts([data], book))
    return _trades(data, index, book, snapshot=word(frame, "sequence_number") == "0")


def _trades(data: Any, index: int, book: WireBook, *, snapshot: bool) -> Parsed:
    """A subscription begins with former trades, numbered 0 as every snapshot; the others are taken once. Forced ones
    are not distinguished in public."""
    parsed = Parsed()
    for row in typed_rows([data], _Trade, "v1.trade", book):
        if row.venue == "RFQ":
            # Agreed on between two, beside the order book.
            book.off_book += 1
        elif (snapshot and row.time_ns // MS_NS < book.received_ms - FORMER_MS) or not book.first_time(
            (index, row.trade_id)
        ):
            parsed.ignored += 1
        else:
            try:
                parsed.trades.append(
                    printed(book, index, row.time_ns // MS_NS, row.price, row.amount, bought=row.taker_buys)
                )
            except MalformedMessage as error:
                book.reject(error, row)
    return parsed


def ticker_facts(rows: list[Any], book: WireBook) -> list[MarketEvent]:
    facts: list[MarketEvent] = []
    for row in typed_rows(rows, GrvtTicker, "ticker", book):
        index = book.index_of.get(row.instrument)
        if index is not None:
            facts += figures(row, index, row.time_ns // MS_NS, _FIGURES, book)
    return facts


def answered_ticker(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    del now_ms
    return ticker_facts([within(payload, "result")], book)


def _marked(row: GrvtTicker, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    mark_price = book.figure("ticker mark_price", row.mark_price, row)
    return book.mark(index, time_ms, mark_price, book.figure("ticker index_price", row.index_price, row))


def _opened(row: GrvtTicker, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    amount = book.figure("ticker open_interest", row.open_interest, row)
    return [] if amount is None else book.open_interest(index, time_ms, amount)


def _funded(row: GrvtTicker, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    interval_h = book.figure("ticker funding_interval_hours", row.interval_h, row)
    rate_pct = book.figure("ticker funding_rate", row.rate_pct, row)
    if rate_pct is None or not interval_h:
        rate_pct, interval_h = book.figure("ticker funding_rate_8h_curr", row.eight_hours_pct, row), _EIGHT_HOURS
    return [] if rate_pct is None else book.funding(index, time_ms, rate_pct / 100.0, interval_h)


_FIGURES: Final = (_marked, _opened, _funded)
