"""Lighter's answers to requests for candles, past funding and the margin of a market."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.frames import typed_rows
from liqbot.venues.parsing import WireBook
from liqbot.venues.rows import answered_rows, each
from liqbot.venues.streams import TierRow

BAR_MS: Final = 300_000
CAP_USD: Final = 1_000_000_000.0
"""Margin does not depend on size: one tier for all positions there can be."""
_SIGNS: Final = {"long": 1.0, "short": -1.0}
"""Who pays: the rate comes without its sign."""


class _Candle(msgspec.Struct):
    """`V` is the volume in USD, left out when it is zero. Nothing says how much of it takers bought."""

    start_ms: int = msgspec.field(name="t")
    open: float = msgspec.field(name="o")
    high: float = msgspec.field(name="h")
    low: float = msgspec.field(name="l")
    close: float = msgspec.field(name="c")
    volume_usd: float = msgspec.field(name="V", default=0.0)


class _PastFunding(msgspec.Struct):
    """In percent an hour; the time in seconds."""

    time_s: int = msgspec.field(name="timestamp")
    rate_pct: float = msgspec.field(name="rate")
    payer: str = msgspec.field(name="direction")


class _Details(msgspec.Struct):
    """Fractions in hundredths of a percent."""

    market_id: int
    initial: float = msgspec.field(name="min_initial_margin_fraction")
    maintenance: float = msgspec.field(name="maintenance_margin_fraction")


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    rows = answered_rows(payload, _Candle, "candles", book, "c")
    return each(rows, lambda row: [book.bar(
        index, row.start_ms, BAR_MS, (row.open, row.high, row.low, row.close), row.volume_usd
    )], book)


def past_funding(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    payments = []
    for row in answered_rows(payload, _PastFunding, "fundings", book, "fundings"):
        sign = _SIGNS.get(row.payer)
        if sign is None:
            book.reject(book.malformed("fundings direction", row.payer, row))
        else:
            payments.append((row.time_s * 1_000, sign * row.rate_pct / 100.0))
    return book.paid(index, payments)


def tiers(payload: Any, book: WireBook, index: int) -> tuple[TierRow, ...]:
    rows = payload.get("order_book_details") if isinstance(payload, dict) else None
    if not isinstance(rows, list):
        raise book.malformed("orderBookDetails", rows, payload)
    own = [row for row in typed_rows(rows, _Details, "orderBookDetails", book)
           if str(row.market_id) == book.contracts[index].symbol_id]
    if not own:
        raise book.malformed("orderBookDetails market_id", book.contracts[index].symbol_id, payload)
    initial_pct = book.positive("orderBookDetails min_initial_margin_fraction", own[0].initial) / 100.0
    maintenance_pct = book.positive("orderBookDetails maintenance_margin_fraction", own[0].maintenance) / 100.0
    return (TierRow(CAP_USD, 100.0 / initial_pct, maintenance_pct),)
