"""Gate's answers to requests for tickers, contracts, maintenance tiers and the past. Times are in seconds."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.gate.messages import GateTicker, ticker_facts
from liqbot.venues.parsing import WireBook
from liqbot.venues.rows import answered_rows, each
from liqbot.venues.streams import TierRow

BAR_MS: Final = 300_000


class _Listed(msgspec.Struct):
    name: str
    funding_interval: float
    """In seconds."""
    funding_rate: float | str | None = None


class _Tier(msgspec.Struct):
    risk_limit: float
    maintenance_rate: float
    leverage_max: float


class _Candle(msgspec.Struct):
    """`v` is in contracts; `sum` in the quote currency."""

    t: int
    o: float
    h: float
    l: float  # noqa: E741 - the venue's name
    c: float
    v: float
    sum: float | None = None


class _Stats(msgspec.Struct):
    time: int
    open_interest_usd: float


class _Paid(msgspec.Struct):
    t: int
    r: float


def tickers(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """Mark, index, funding and open interest of one contract or more; the answer says no time."""
    facts: list[MarketEvent] = []
    for ticker in answered_rows(payload, GateTicker, "tickers", book):
        index = book.index_of.get(ticker.contract)
        if index is not None:
            facts += ticker_facts(ticker, index, now_ms, book)
    return facts


def intervals(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """How often funding is paid, by contract."""
    listed = book.convert(payload, _Listed, "contracts")
    index = book.index_of.get(listed.name)
    if index is None:
        return []
    rate = book.figure("contracts funding_rate", listed.funding_rate, listed)
    return book.funding(index, now_ms, rate, listed.funding_interval / 3_600.0)


def tiers(payload: Any, book: WireBook, index: int) -> tuple[TierRow, ...]:
    """The rates come as fractions (0.005 is .5 %); caps in USDT."""
    del index
    rows = answered_rows(payload, _Tier, "risk_limit_tiers", book)
    found = [TierRow(row.risk_limit, row.leverage_max, row.maintenance_rate * 100.0) for row in rows]
    return tuple(sorted(found, key=lambda tier: tier.cap_usd))


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """No taker split."""
    contract = book.contracts[index]

    def bar(row: _Candle) -> list[MarketEvent]:
        # Amounts of linear contracts are valued by the venue; those of inverse ones are USD.
        usd = row.v * contract.contract_units if contract.inverse else row.sum
        if usd is None:
            raise book.malformed("candlesticks sum", None, row)
        return [book.bar(index, row.t * 1_000, BAR_MS, (row.o, row.h, row.l, row.c), usd)]

    return each(answered_rows(payload, _Candle, "candlesticks", book), bar, book)


def past_open_interest(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """The venue's own value in USD."""
    rows = answered_rows(payload, _Stats, "contract_stats", book)
    return each(
        rows, lambda row: [book.past_open_interest(index, row.time * 1_000, row.open_interest_usd)], book
    )


def past_funding(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    rows = answered_rows(payload, _Paid, "funding_rate", book)
    return book.paid(index, [(row.t * 1_000, row.r) for row in rows])
