"""HTX's answers to requests for funding, open interest and the past, of linear contracts (v5) and of coin-margined ones
(v1). Open interest and volumes count the buyer and the seller."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.htx.messages import ONE_SIDE
from liqbot.venues.parsing import WireBook
from liqbot.venues.rows import answered_rows, each, typed_row

BAR_MS: Final = 300_000


class _Funding(msgspec.Struct):
    contract_code: str
    funding_rate: float
    funding_time: int
    next_funding_time: int | str | None = None
    """None of coin-margined contracts."""


class _OpenInterest(msgspec.Struct):
    contract_code: str
    volume: float
    """In contracts."""
    value: float | str | None = None
    """In USDT, of linear contracts."""


class _Candle(msgspec.Struct):
    """`id`: start in seconds. `vol` in contracts."""

    id: int
    open: float
    high: float
    low: float
    close: float
    vol: float


class _PastInterest(msgspec.Struct):
    """In contracts when `amount_type` is 1, as it is requested."""

    volume: float
    ts: int
    value: float | str | None = None
    """In USDT, of linear contracts."""


class _PastFunding(msgspec.Struct):
    funding_rate: float
    funding_time: int


class _MarkCandle(msgspec.Struct):
    close: float


def _rows(payload: Any, book: WireBook, what: str) -> list[Any]:
    """One row comes alone or in a list."""
    data = payload.get("data") if isinstance(payload, dict) else None
    if not isinstance(data, dict | list):
        raise book.malformed(what, data, payload)
    return data if isinstance(data, list) else [data]


def _time(payload: Any, book: WireBook, now_ms: int) -> int:
    time_ms = payload.get("ts") if isinstance(payload, dict) else None
    return now_ms if time_ms is None else book.convert(time_ms, int, "ts")


def fundings(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """What will be settled next, and how long after that the next time is."""
    time_ms = _time(payload, book, now_ms)
    typed = [typed_row(row, _Funding, "funding_rate", book) for row in _rows(payload, book, "funding_rate")]
    known = [row for row in typed if row is not None and row.contract_code in book.index_of]
    return each(known, lambda row: _funding(row, time_ms, book), book)


def _funding(row: _Funding, time_ms: int, book: WireBook) -> list[MarketEvent]:
    interval_h = None
    if row.next_funding_time not in (None, ""):
        next_ms = book.convert(row.next_funding_time, int, "funding_rate next_funding_time")
        interval_h = (next_ms - row.funding_time) / 3_600_000.0
    return book.funding(book.index_of[row.contract_code], time_ms, row.funding_rate, interval_h)


def open_interests(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    time_ms = _time(payload, book, now_ms)
    typed = [typed_row(row, _OpenInterest, "open_interest", book) for row in _rows(payload, book, "open_interest")]
    known = [row for row in typed if row is not None and row.contract_code in book.index_of]
    return each(known, lambda row: _interest(row, time_ms, book), book)


def _interest(row: _OpenInterest, time_ms: int, book: WireBook) -> list[MarketEvent]:
    index, value_usd = book.index_of[row.contract_code], book.figure("open_interest value", row.value, row)
    if value_usd is None:
        return book.open_interest(index, time_ms, row.volume)
    return book.open_interest_usd(index, time_ms, value_usd)


def marks(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """The newest candle of the mark; the answer names its contract in `ch`."""
    channel = payload.get("ch") if isinstance(payload, dict) else None
    named = channel.split(".")[1] if isinstance(channel, str) and channel.count(".") >= 2 else ""
    if not named:
        raise book.malformed("mark_price_kline ch", channel, payload)
    rows = answered_rows(payload, _MarkCandle, "mark_price_kline", book, "data")
    index = book.index_of.get(named)
    if index is None or not rows:
        return []
    return book.mark(index, _time(payload, book, now_ms), rows[-1].close, None)


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """No taker split."""
    contract = book.contracts[index]

    def bar(row: _Candle) -> list[MarketEvent]:
        volume_usd = contract.usd(row.vol * ONE_SIDE, row.close)
        return [book.bar(index, row.id * 1_000, BAR_MS, (row.open, row.high, row.low, row.close), volume_usd)]

    return each(answered_rows(payload, _Candle, "kline", book, "data"), bar, book)


def past_open_interest(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """By the hour. What is given in contracts alone is valued with the bars of that time, which are read before."""
    rows = answered_rows(payload, _PastInterest, "his_open_interest", book, "data", "tick")
    return each(rows, lambda row: _past_interest(row, index, book), book)


def _past_interest(row: _PastInterest, index: int, book: WireBook) -> list[MarketEvent]:
    usd = book.figure("his_open_interest value", row.value, row)
    usd = book.past_usd(index, row.ts, row.volume) if usd is None else usd
    return [] if usd is None else [book.past_open_interest(index, row.ts, usd)]


def past_funding(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """What was paid; of coin-margined contracts one page of many."""
    paged = isinstance(payload, dict) and isinstance(payload.get("data"), dict)
    path = ("data", "data") if paged else ("data",)
    rows = answered_rows(payload, _PastFunding, "funding_rate_history", book, *path)
    return book.paid(index, [(row.funding_time, row.funding_rate) for row in rows])
