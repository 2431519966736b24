"""MEXC's answers to requests for tickers, funding, maintenance tiers and the past."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.mexc.messages import MexcTicker, ticker_facts
from liqbot.venues.parsing import WireBook
from liqbot.venues.rows import answered_rows, each
from liqbot.venues.streams import TierRow
from liqbot.venues.tickers import ticker_row

BAR_MS: Final = 300_000
_LEVELS_MAX: Final = 200


class _Funding(msgspec.Struct, rename="camel"):
    """`collectCycle` in hours."""

    symbol: str
    funding_rate: float
    timestamp: int
    collect_cycle: float | None = None


class _Columns(msgspec.Struct):
    """Times in seconds; volumes in contracts. `amount` is the value of what was traded, in the settlement coin."""

    time: list[int]
    open: list[float]
    close: list[float]
    high: list[float]
    low: list[float]
    vol: list[float]


class _PastFunding(msgspec.Struct, rename="camel"):
    funding_rate: float
    settle_time: int


class _Level(msgspec.Struct, rename="camel"):
    max_vol: float
    mmr: float
    max_leverage: float


class _Limits(msgspec.Struct, rename="camel"):
    """Levels by a rule, each so much larger and stricter than the one before; or one by one (`riskLimitCustom`)."""

    maintenance_margin_rate: float
    initial_margin_rate: float
    risk_base_vol: float
    risk_incr_vol: float
    risk_incr_mmr: float
    risk_incr_imr: float
    risk_level_limit: int
    risk_limit_custom: list[_Level] | None = None


def _data(payload: Any) -> Any:
    return payload.get("data") if isinstance(payload, dict) else None


def tickers(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """Mark, index, funding rate and open interest of one contract."""
    del now_ms
    ticker = ticker_row(_data(payload), MexcTicker, "ticker", book)
    index = book.index_of.get(ticker.symbol)
    return [] if index is None else ticker_facts(ticker, index, book)


def fundings(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """The rate with its interval, which the ticker does not tell."""
    del now_ms
    funding = book.convert(_data(payload), _Funding, "funding_rate")
    index = book.index_of.get(funding.symbol)
    if index is None:
        return []
    return book.funding(index, funding.timestamp, funding.funding_rate, funding.collect_cycle)


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """Column by column. No taker split."""
    columns = book.convert(_data(payload), _Columns, "kline")
    lists = (columns.time, columns.open, columns.high, columns.low, columns.close, columns.vol)
    if len({len(one) for one in lists}) != 1:
        raise book.malformed("kline", [len(one) for one in lists])
    contract = book.contracts[index]

    def bar(row: tuple[float, ...]) -> list[MarketEvent]:
        start_s, *prices, volume = row
        opened, high, low, close = prices
        volume_usd = contract.usd(volume, close)
        return [book.bar(index, int(start_s) * 1_000, BAR_MS, (opened, high, low, close), volume_usd)]

    return each(zip(*lists, strict=True), bar, book)


def past_funding(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """What was paid."""
    rows = answered_rows(payload, _PastFunding, "funding_rate/history", book, "data", "resultList")
    return book.paid(index, [(row.settle_time, row.funding_rate) for row in rows])


def tiers(payload: Any, book: WireBook, index: int) -> tuple[TierRow, ...]:
    """Borders come in contracts: in coin here for linear contracts, in USD for coin-margined ones. One contract that is
    asked for comes alone or as a list of one."""
    contract, data = book.contracts[index], _data(payload)
    size = contract.contract_units
    rows = data if isinstance(data, list) else [data]
    found = [row for row in rows if isinstance(row, dict) and row.get("symbol") == contract.symbol_id]
    limits = book.convert(found[0] if found else data, _Limits, "detail")
    if limits.risk_limit_custom:
        levels = [(one.max_vol, one.max_leverage, one.mmr) for one in limits.risk_limit_custom]
    else:
        levels = _by_rule(limits, book)
    tiers_found = [TierRow(cap * size, leverage, rate * 100.0) for cap, leverage, rate in levels]
    return tuple(sorted(tiers_found, key=lambda tier: tier.cap_usd))


def _by_rule(limits: _Limits, book: WireBook) -> list[tuple[float, float, float]]:
    if not 0 < limits.risk_level_limit <= _LEVELS_MAX or not 0.0 < limits.initial_margin_rate < 1.0:
        raise book.malformed("detail riskLevelLimit", (limits.risk_level_limit, limits.initial_margin_rate))
    return [
        (
            limits.risk_base_vol + step * limits.risk_incr_vol,
            1.0 / (limits.initial_margin_rate + step * max(0.0, limits.risk_incr_imr)),
            limits.maintenance_margin_rate + step * limits.risk_incr_mmr,
        )
        for step in range(limits.risk_level_limit)
    ]
