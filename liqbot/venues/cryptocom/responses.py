"""Crypto.com's answers to requests for tickers, single values and the past."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.cryptocom.messages import Value, contract_of, fundings, marks, rows_of
from liqbot.venues.cryptocom.messages import tickers as ticker_facts
from liqbot.venues.parsing import WireBook
from liqbot.venues.rows import answered_rows, each, foreign

BAR_MS: Final = 300_000


class _Candle(
    msgspec.Struct,
    rename={"start_ms": "t", "open": "o", "high": "h", "low": "l", "close": "c", "volume": "v"},
):
    """`volume` in coin."""

    start_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float


def _result(payload: Any, what: str, book: WireBook) -> dict[str, Any]:
    result = payload.get("result") if isinstance(payload, dict) else None
    if not isinstance(result, dict):
        raise book.malformed(what, result, payload)
    return result


def _newest(payload: Any, what: str, book: WireBook) -> tuple[int | None, list[Any]]:
    """The contract, and the newest value of an answer."""
    result = _result(payload, what, book)
    named = result.get("instrument_name")
    if not isinstance(named, str):
        raise book.malformed(f"{what} instrument_name", named, payload)
    index = contract_of(named, book)
    rows = rows_of(result.get("data"), what, book)
    timed = [row for row in rows if isinstance(row, dict) and isinstance(row.get("t"), int)]
    return index, [max(timed, key=lambda row: row["t"])] if timed else rows[:1]


def mark(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    del now_ms
    index, rows = _newest(payload, "mark", book)
    return [] if index is None else marks(rows, index, book)


def funding(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    del now_ms
    index, rows = _newest(payload, "funding", book)
    return [] if index is None else fundings(rows, index, book)


def tickers(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """Open interest; each row names its contract."""
    del now_ms
    facts: list[MarketEvent] = []
    for row in rows_of(_result(payload, "tickers", book).get("data"), "tickers", book):
        named = row.get("i") if isinstance(row, dict) else None
        if not isinstance(named, str):
            book.reject(book.malformed("tickers i", named, row))
        elif not foreign(row, "i", book):
            facts += ticker_facts([row], book.index_of[named], book)
    return facts


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """No taker split."""
    contract = book.contracts[index]

    def bar(row: _Candle) -> list[MarketEvent]:
        prices = (row.open, row.high, row.low, row.close)
        return [book.bar(index, row.start_ms, BAR_MS, prices, contract.usd(row.volume, row.close))]

    return each(answered_rows(payload, _Candle, "candlestick", book, "result", "data"), bar, book)


def past_funding(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    rows = answered_rows(payload, Value, "funding_hist", book, "result", "data")
    return book.paid(index, [(row.time_ms, row.value) for row in rows])
