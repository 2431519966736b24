"""GRVT's answers to requests for the past; times in nanoseconds."""

import math
from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.grvt.messages import MS_NS
from liqbot.venues.parsing import WireBook
from liqbot.venues.rows import answered_rows, each
from liqbot.venues.streams import TierRow

BAR_MS: Final = 300_000
_TIERS: Final = ("result", "risk_brackets")


class _Candle(msgspec.Struct):
    """`volume_q` is in USDT. Nothing says how much of it takers bought."""

    open_time: int
    open: float
    high: float
    low: float
    close: float
    volume_q: float


class _PastFunding(msgspec.Struct):
    """In percent."""

    funding_rate: float
    funding_time: int


class _Bracket(msgspec.Struct):
    """Caps in USDT, rates as fractions; the last bracket has no cap."""

    notional_cap: float | str
    maintenance_margin_rate: float
    max_leverage: float


def tiers(payload: Any, book: WireBook, index: int) -> tuple[TierRow, ...]:
    """Lowest first."""
    del index
    found = []
    for row in answered_rows(payload, _Bracket, "margin_rules", book, *_TIERS):
        cap_usd = book.figure("margin_rules notional_cap", row.notional_cap, row)
        found.append(TierRow(
            math.inf if cap_usd is None else cap_usd, row.max_leverage, row.maintenance_margin_rate * 100.0,
        ))
    return tuple(sorted(found, key=lambda tier: tier.cap_usd))


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    return each(answered_rows(payload, _Candle, "kline", book, "result"), lambda row: [book.bar(
        index, row.open_time // MS_NS, BAR_MS, (row.open, row.high, row.low, row.close), row.volume_q,
    )], book)


def past_funding(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    rows = answered_rows(payload, _PastFunding, "funding", book, "result")
    return book.paid(index, [(row.funding_time // MS_NS, row.funding_rate / 100.0) for row in rows])
