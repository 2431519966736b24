"""Binance's answers to requests for open interest, premium index, funding intervals and the past."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.parsing import WireBook
from liqbot.venues.rows import answered_rows, each

BAR_MS: Final = 300_000


class _OpenInterest(msgspec.Struct):
    symbol: str
    amount: float = msgspec.field(name="openInterest")
    time: int | None = None


class _Premium(msgspec.Struct, rename="camel"):
    symbol: str
    mark_price: float
    index_price: float
    time: int
    last_funding_rate: float | str = ""
    next_funding_time: int = 0


class _Interval(msgspec.Struct, rename="camel"):
    symbol: str
    funding_interval_hours: float


class _Kline(msgspec.Struct, array_like=True):
    """`quote` volumes are in quote, of coin-margined contracts in coin. `bought`: what takers bought of each."""

    start_ms: int
    open: float
    high: float
    low: float
    close: float
    volume: float
    end_ms: int
    quote: float
    trades: int
    volume_bought: float
    quote_bought: float


class _PastOpenInterest(msgspec.Struct):
    timestamp: int
    value_usd: float | None = msgspec.field(name="sumOpenInterestValue", default=None)
    amount: float | None = msgspec.field(name="sumOpenInterest", default=None)


class _PastFunding(msgspec.Struct, rename="camel"):
    funding_time: int
    funding_rate: float


def open_interest(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """In coin, of coin-margined contracts in contracts; one-sided."""
    answer = book.convert(payload, _OpenInterest, "openInterest")
    index = book.index_of.get(answer.symbol)
    if index is None:
        return []
    return book.open_interest(index, now_ms if answer.time is None else answer.time, answer.amount)


def premium(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """Mark, index and the funding rate as it stands; one entry, or a list of them for coin-margined contracts."""
    del now_ms
    rows = answered_rows(payload if isinstance(payload, list) else [payload], _Premium, "premiumIndex", book)
    known = [row for row in rows if row.symbol in book.index_of]
    return each(known, lambda row: book.mark(book.index_of[row.symbol], row.time, row.mark_price, row.index_price), book
                ) + each(known, lambda row: _rate(row, book), book)


def _rate(row: _Premium, book: WireBook) -> list[MarketEvent]:
    rate = book.figure("premiumIndex lastFundingRate", row.last_funding_rate, row)
    if not row.next_funding_time or rate is None:
        return []
    return book.funding(book.index_of[row.symbol], row.time, rate)


def funding_intervals(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """Only contracts that differ from eight hours are listed."""
    facts: list[MarketEvent] = []
    rows = answered_rows(payload, _Interval, "fundingInfo", book)
    listed = {row.symbol: row.funding_interval_hours for row in rows}
    for symbol_id, index in book.index_of.items():
        facts += book.funding(index, now_ms, None, listed.get(symbol_id, 8.0))
    return facts


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """Klines carry the volume in USD, and how much of it takers bought, themselves; of coin-margined contracts in
    contracts and coin."""
    return each(answered_rows(payload, _Kline, "klines", book), lambda row: [_bar(row, index, book)], book)


def _bar(row: _Kline, index: int, book: WireBook) -> MarketEvent:
    contract = book.contracts[index]
    volume_usd, buy_usd = (row.volume, row.volume_bought) if contract.inverse else (row.quote, row.quote_bought)
    if contract.inverse:
        volume_usd, buy_usd = volume_usd * contract.contract_units, buy_usd * contract.contract_units
    prices = (row.open, row.high, row.low, row.close)
    return book.bar(index, row.start_ms, BAR_MS, prices, volume_usd, buy_usd)


def past_open_interest(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """USD where the venue gives it; of coin-margined contracts the amount is in contracts."""
    rows = answered_rows(payload, _PastOpenInterest, "openInterestHist", book)
    return each(rows, lambda row: [_past_interest(row, index, book)], book)


def _past_interest(row: _PastOpenInterest, index: int, book: WireBook) -> MarketEvent:
    contract = book.contracts[index]
    usd = row.amount * contract.contract_units if contract.inverse and row.amount is not None else row.value_usd
    if usd is None:
        raise book.malformed("openInterestHist", row)
    return book.past_open_interest(index, row.timestamp, usd)


def past_funding(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    rows = answered_rows(payload, _PastFunding, "fundingRate", book)
    return book.paid(index, [(row.funding_time, row.funding_rate) for row in rows])
