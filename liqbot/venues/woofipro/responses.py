"""Orderly's answers to requests for a contract's figures, its funding period and past funding."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.legible import spelled_and_cut
from liqbot.venues.answers import answer, as_it_is
from liqbot.venues.frames import within
from liqbot.venues.parsing import WireBook
from liqbot.venues.rows import answered_rows, figures


class _Figures(msgspec.Struct):
    """Open interest in coin, one side."""

    symbol: str
    mark_price: float
    index_price: float | str | None = None
    est_funding_rate: float | str | None = None
    open_interest: float | str | None = None


class _Info(msgspec.Struct):
    symbol: str
    funding_period: float


class _PastFunding(msgspec.Struct):
    funding_rate: float
    funding_rate_timestamp: int


def contract_figures(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    row = book.convert(within(payload, "data"), _Figures, "futures")
    time_ms = within(payload, "timestamp")
    index = book.index_of.get(row.symbol)
    if index is None:
        return []
    return figures(row, index, time_ms if type(time_ms) is int else now_ms, _FIGURES, book)


def _marked(row: _Figures, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    index_price = book.figure("futures index_price", row.index_price, row)
    return book.mark(index, time_ms, row.mark_price, index_price)


def _interest(row: _Figures, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    amount = book.figure("futures open_interest", row.open_interest, row)
    return [] if amount is None else book.open_interest(index, time_ms, amount)


def _funded(row: _Figures, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    rate = book.figure("futures est_funding_rate", row.est_funding_rate, row)
    return [] if rate is None else book.funding(index, time_ms, rate)


_FIGURES: Final = (_marked, _interest, _funded)


def funding_period(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    row = book.convert(within(payload, "data"), _Info, "info")
    index = book.index_of.get(row.symbol)
    return [] if index is None else book.funding(index, now_ms, None, row.funding_period)


def past_funding(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    rows = answered_rows(payload, _PastFunding, "funding_rate_history", book, "data", "rows")
    return book.paid(index, [(row.funding_rate_timestamp, row.funding_rate) for row in rows])


# --- its own state ---------------------------------------------------------------------------------------------------

STATUS_METHOD: Final = "v1PublicGetPublicSystemInfo"
_NORMAL: Final = 0


class _SystemState(msgspec.Struct):
    status: int
    msg: str = ""


class _StatusAnswer(msgspec.Struct):
    data: _SystemState


def closed(payload: Any, coin: str) -> str:
    """By maintenance."""
    del coin
    state = answer("woofipro", STATUS_METHOD, payload, _StatusAnswer, as_it_is).data
    return "" if state.status == _NORMAL else spelled_and_cut(f"status is {state.status}, {state.msg}")
