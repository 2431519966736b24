"""Binance's answers to requests for open interest, premium index, funding intervals and the past."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.parsing import WireBook

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


_Kline = tuple[int, float, float, float, float, float, int, float, int, float, float]
"""Start, open, high, low, close, volume, end, volume in quote (of coin-margined ones in coin), trades, then what takers
bought in each of the two volumes."""


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
    facts: list[MarketEvent] = []
    for entry in book.convert(payload if isinstance(payload, list) else [payload], list[_Premium], "premiumIndex"):
        index = book.index_of.get(entry.symbol)
        if index is None:
            continue
        facts += book.mark(index, entry.time, entry.mark_price, entry.index_price)
        if entry.next_funding_time and entry.last_funding_rate != "":
            rate = book.convert(entry.last_funding_rate, float, "premiumIndex lastFundingRate")
            facts += book.funding(index, entry.time, rate)
    return facts


def funding_intervals(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """Only contracts that differ from eight hours are listed."""
    facts: list[MarketEvent] = []
    listed = {row.symbol: row.funding_interval_hours for row in book.convert(payload, list[_Interval], "fundingInfo")}
    for symbol_id, index in book.index_of.items():
        facts += book.funding(index, now_ms, None, listed.get(symbol_id, 8.0))
    return facts


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """Klines carry the volume in USD, and how much of it takers bought, themselves; of coin-margined contracts in
    contracts and coin."""
    contract = book.contracts[index]
    facts: list[MarketEvent] = []
    for row in book.convert(payload, list[tuple[Any, ...]], "klines"):
        values: _Kline = book.convert(row[:11], _Kline, "klines")  # type: ignore[arg-type]
        start_ms, opened, high, low, close = values[:5]
        volume_usd, buy_usd = (values[5], values[9]) if contract.inverse else (values[7], values[10])
        if contract.inverse:
            volume_usd, buy_usd = volume_usd * contract.contract_units, buy_usd * contract.contract_units
        facts.append(book.bar(index, start_ms, BAR_MS, (opened, high, low, close), volume_usd, buy_usd))
    return facts


def past_open_interest(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """USD where the venue gives it; of coin-margined contracts the amount is in contracts."""
    contract = book.contracts[index]
    facts: list[MarketEvent] = []
    for row in book.convert(payload, list[_PastOpenInterest], "openInterestHist"):
        usd = row.amount * contract.contract_units if contract.inverse and row.amount is not None else row.value_usd
        if usd is None:
            raise book.malformed("openInterestHist", row)
        facts.append(book.past_open_interest(index, row.timestamp, usd))
    return facts


def past_funding(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    rows = book.convert(payload, list[_PastFunding], "fundingRate")
    return book.paid(index, [(row.funding_time, row.funding_rate) for row in rows])
