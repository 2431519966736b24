"""ApeX's answers to requests for tickers (mark, index, open interest, funding), candles and past funding."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.parsing import WireBook
from liqbot.venues.rows import answered_rows, each, figures

BAR_MS: Final = 300_000


class _Ticker(msgspec.Struct, rename="camel"):
    """Open interest in coin. The predicted rate is the one that is paid next."""

    symbol: str
    mark_price: float | str | None = None
    index_price: float | str | None = None
    open_interest: float | str | None = None
    predicted_funding_rate: float | str | None = None


class _Candle(msgspec.Struct):
    """`tr` is the turnover in USDT. Nothing says how much of it takers bought."""

    start_ms: int = msgspec.field(name="t")
    open: float = msgspec.field(name="o")
    high: float = msgspec.field(name="h")
    low: float = msgspec.field(name="l")
    close: float = msgspec.field(name="c")
    turnover: float = msgspec.field(name="tr")


class _PastFunding(msgspec.Struct, rename="camel"):
    rate: float
    funding_timestamp: int


def tickers(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """Answers carry no time of their own; an unknown symbol is answered with nothing."""
    facts: list[MarketEvent] = []
    for row in answered_rows(payload, _Ticker, "ticker", book, "data"):
        index = book.index_of.get(row.symbol)
        if index is not None:
            facts += figures(row, index, now_ms, _FIGURES, book)
    return facts


def _marked(row: _Ticker, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    mark_price = book.figure("ticker markPrice", row.mark_price, row)
    return book.mark(index, time_ms, mark_price, book.figure("ticker indexPrice", row.index_price, row))


def _opened(row: _Ticker, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    amount = book.figure("ticker openInterest", row.open_interest, row)
    return [] if amount is None else book.open_interest(index, time_ms, amount)


def _funded(row: _Ticker, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    rate = book.figure("ticker predictedFundingRate", row.predicted_funding_rate, row)
    return [] if rate is None else book.funding(index, time_ms, rate)


_FIGURES: Final = (_marked, _opened, _funded)


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """The rows stand under the contract's name; an empty answer has no such name."""
    data = payload.get("data") if isinstance(payload, dict) else None
    if data == {}:
        return []
    rows = answered_rows(payload, _Candle, "klines", book, "data", book.contracts[index].symbol_id)
    return each(rows, lambda row: [book.bar(
        index, row.start_ms, BAR_MS, (row.open, row.high, row.low, row.close), row.turnover,
    )], book)


def past_funding(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    rows = answered_rows(payload, _PastFunding, "history-funding", book, "data", "historyFunds")
    return book.paid(index, [(row.funding_timestamp, row.rate) for row in rows])
