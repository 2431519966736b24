"""dYdX's answers to requests for markets (oracle price, open interest, funding, margin), candles and past funding."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.frames import within
from liqbot.venues.parsing import WireBook
from liqbot.venues.rows import answered_rows, each, figures, typed_row
from liqbot.venues.streams import TierRow

BAR_MS: Final = 300_000
CAP_USD: Final = 1_000_000_000.0
"""Maintenance does not depend on size; the initial margin grows with the market's open interest."""
INTERVAL_H: Final = 1.0
"""Funding is paid every hour."""


class _Market(msgspec.Struct, rename="camel"):
    """Positions are valued at the oracle price: it is mark and index in one. Open interest in coin, one side."""

    ticker: str
    oracle_price: float | str | None = None
    open_interest: float | str | None = None
    next_funding_rate: float | str | None = None


class _Margin(msgspec.Struct, rename="camel"):
    initial_margin_fraction: float
    maintenance_margin_fraction: float


class _Candle(msgspec.Struct, rename="camel"):
    started_at: str
    open: float
    high: float
    low: float
    close: float
    usd_volume: float
    starting_open_interest: float | str | None = None


class _PastFunding(msgspec.Struct, rename="camel"):
    rate: float
    effective_at: str


def markets(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """Answers carry no time of their own."""
    rows = within(payload, "markets")
    if not isinstance(rows, dict):
        raise book.malformed("perpetualMarkets markets", rows, payload)
    facts: list[MarketEvent] = []
    for name, index in book.index_of.items():
        row = typed_row(rows[name], _Market, "perpetualMarkets", book) if name in rows else None
        if row is not None:
            facts += figures(row, index, now_ms, _FIGURES, book)
    return facts


def _marked(row: _Market, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    price = book.figure("perpetualMarkets oraclePrice", row.oracle_price, row)
    return [] if price is None else book.mark(index, time_ms, price, price)


def _interest(row: _Market, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    amount = book.figure("perpetualMarkets openInterest", row.open_interest, row)
    return [] if amount is None else book.open_interest(index, time_ms, amount)


def _funded(row: _Market, index: int, time_ms: int, book: WireBook) -> list[MarketEvent]:
    rate = book.figure("perpetualMarkets nextFundingRate", row.next_funding_rate, row)
    return [] if rate is None else book.funding(index, time_ms, rate, INTERVAL_H)


_FIGURES: Final = (_marked, _interest, _funded)


def tiers(payload: Any, book: WireBook, index: int) -> tuple[TierRow, ...]:
    row = within(payload, "markets", book.contracts[index].symbol_id)
    found = book.convert(row, _Margin, "perpetualMarkets")
    initial = book.positive("perpetualMarkets initialMarginFraction", found.initial_margin_fraction)
    maintenance = book.positive("perpetualMarkets maintenanceMarginFraction", found.maintenance_margin_fraction, 1.0)
    return (TierRow(CAP_USD, 1.0 / initial, maintenance * 100.0),)


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """The volume in USD; nothing says how much of it takers bought. A bar without a trade is flat."""

    def bar(row: _Candle) -> list[MarketEvent]:
        start_ms = book.iso_time("candles startedAt", row.started_at)
        return [book.bar(index, start_ms, BAR_MS, (row.open, row.high, row.low, row.close), row.usd_volume)]

    return each(answered_rows(payload, _Candle, "candles", book, "candles"), bar, book)


def past_open_interest(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """Candles carry it as it was at their beginning, in coin: valued at the price they open at."""

    def interest(row: _Candle) -> list[MarketEvent]:
        amount = book.figure("candles startingOpenInterest", row.starting_open_interest, row)
        if amount is None:
            return []
        price = book.positive("candles open", row.open)
        time_ms = book.iso_time("candles startedAt", row.started_at)
        return [book.past_open_interest(index, time_ms, book.contracts[index].usd(amount, price))]

    return each(answered_rows(payload, _Candle, "candles", book, "candles"), interest, book)


def past_funding(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """What was paid."""
    rows = answered_rows(payload, _PastFunding, "historicalFunding", book, "historicalFunding")
    payments = []
    for row in rows:
        # Settled a block after the full hour.
        time_ms = book.iso_time("historicalFunding effectiveAt", row.effective_at)
        payments.append((time_ms, row.rate))
    return book.paid(index, payments)
