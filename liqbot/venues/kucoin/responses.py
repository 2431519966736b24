"""KuCoin's answers to requests for contracts (mark, index, funding, open interest), risk limits and the past."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.parsing import WireBook
from liqbot.venues.rows import answered_rows, each, figures
from liqbot.venues.streams import TierRow
from liqbot.venues.tickers import ticker_row

BAR_MS: Final = 300_000


class _Contract(msgspec.Struct, rename="camel"):
    """Tells no time. The interval in milliseconds: the one in force now, and the usual one."""

    symbol: str
    mark_price: float | str | None = None
    index_price: float | str | None = None
    open_interest: float | str | None = None
    funding_fee_rate: float | str | None = None
    funding_rate_granularity: float | str | None = None
    current_funding_rate_granularity: float | str | None = None


class _Kline(msgspec.Struct, array_like=True):
    """Volume in contracts; the value behind it came in September 2025."""

    start_ms: int
    open: float
    high: float
    low: float
    close: float
    contracts: float


class _PastFunding(msgspec.Struct, rename="camel"):
    funding_rate: float
    timepoint: int


class _PastOpenInterest(msgspec.Struct, rename="camel"):
    open_interest: float
    ts: int


class _RiskLimit(msgspec.Struct, rename="camel"):
    max_risk_limit: float
    max_leverage: float
    maintain_margin: float


def contracts(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """Mark, index, funding rate and open interest of one contract."""
    contract = ticker_row(payload.get("data") if isinstance(payload, dict) else None, _Contract, "contracts", book)
    index = book.index_of.get(contract.symbol)
    return [] if index is None else figures(contract, index, now_ms, (_marked, _funded, _interest), book)


def _marked(row: _Contract, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    mark_price = book.figure("contracts markPrice", row.mark_price, row)
    return book.mark(index, time_ms, mark_price, book.figure("contracts indexPrice", row.index_price, row))


def _funded(row: _Contract, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    now = book.figure("contracts currentFundingRateGranularity", row.current_funding_rate_granularity, row)
    usual = book.figure("contracts fundingRateGranularity", row.funding_rate_granularity, row)
    interval_ms = now or usual
    return book.funding(index, time_ms, book.figure("contracts fundingFeeRate", row.funding_fee_rate, row),
                        None if interval_ms is None else interval_ms / 3_600_000)


def _interest(row: _Contract, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    amount = book.figure("contracts openInterest", row.open_interest, row)
    return [] if amount is None else book.open_interest(index, time_ms, amount)


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """No taker split."""
    contract = book.contracts[index]

    def bar(row: _Kline) -> list[MarketEvent]:
        prices = (row.open, row.high, row.low, row.close)
        return [book.bar(index, row.start_ms, BAR_MS, prices, contract.usd(row.contracts, row.close))]

    return each(answered_rows(payload, _Kline, "kline", book, "data"), bar, book)


def past_open_interest(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """In contracts: valued with the bars of that time, which are read before."""
    rows = answered_rows(payload, _PastOpenInterest, "open-interest", book, "data")
    return each(rows, lambda row: _past_interest(row, index, book), book)


def _past_interest(row: _PastOpenInterest, index: int, book: WireBook) -> list[MarketEvent]:
    usd = book.past_usd(index, row.ts, row.open_interest)
    return [] if usd is None else [book.past_open_interest(index, row.ts, usd)]


def past_funding(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    rows = answered_rows(payload, _PastFunding, "funding-rates", book, "data")
    return book.paid(index, [(row.timepoint, row.funding_rate) for row in rows])


def tiers(payload: Any, book: WireBook, index: int) -> tuple[TierRow, ...]:
    """The rates come as fractions (0.005 is .5 %); caps in the settlement coin."""
    del index
    rows = answered_rows(payload, _RiskLimit, "risk-limit", book, "data")
    found = [TierRow(row.max_risk_limit, row.max_leverage, row.maintain_margin * 100.0) for row in rows]
    return tuple(sorted(found, key=lambda tier: tier.cap_usd))
