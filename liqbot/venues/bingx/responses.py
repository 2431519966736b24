"""BingX's answers to requests for the premium index (mark, index, funding), open interest and the past."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.parsing import WireBook
from liqbot.venues.rows import answered_rows, each, figures
from liqbot.venues.tickers import ticker_row

BAR_MS: Final = 300_000


class _Premium(msgspec.Struct, rename="camel"):
    """`lastFundingRate` is the rate as it was calculated last: of the payment to come."""

    symbol: str
    mark_price: float | str | None = None
    index_price: float | str | None = None
    last_funding_rate: float | str | None = None
    funding_interval_hours: float | str | None = None


class _OpenInterest(msgspec.Struct, rename="camel"):
    """In USDT."""

    symbol: str
    open_interest: float
    time: int


class _Kline(msgspec.Struct):
    """Volume in coin."""

    time: int
    open: float
    high: float
    low: float
    close: float
    volume: float


class _PastFunding(msgspec.Struct, rename="camel"):
    funding_rate: float
    funding_time: int


def _data(payload: Any) -> Any:
    return payload.get("data") if isinstance(payload, dict) else None


def premium(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """It tells no time of its own."""
    row = ticker_row(_data(payload), _Premium, "premiumIndex", book)
    index = book.index_of.get(row.symbol)
    return [] if index is None else figures(row, index, now_ms, (_marked, _funded), book)


def _marked(row: _Premium, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    mark_price = book.figure("premiumIndex markPrice", row.mark_price, row)
    return book.mark(index, time_ms, mark_price, book.figure("premiumIndex indexPrice", row.index_price, row))


def _funded(row: _Premium, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    return book.funding(index, time_ms, book.figure("premiumIndex lastFundingRate", row.last_funding_rate, row),
                        book.figure("premiumIndex fundingIntervalHours", row.funding_interval_hours, row))


def open_interest(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    del now_ms
    row = book.convert(_data(payload), _OpenInterest, "openInterest")
    index = book.index_of.get(row.symbol)
    return [] if index is None else book.open_interest_usd(index, row.time, row.open_interest)


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """No taker split."""
    contract = book.contracts[index]

    def bar(row: _Kline) -> list[MarketEvent]:
        prices = (row.open, row.high, row.low, row.close)
        return [book.bar(index, row.time, BAR_MS, prices, contract.usd(row.volume, row.close))]

    return each(answered_rows(payload, _Kline, "klines", book, "data"), bar, book)


def past_funding(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    rows = answered_rows(payload, _PastFunding, "fundingRate", book, "data")
    return book.paid(index, [(row.funding_time, row.funding_rate) for row in rows])
