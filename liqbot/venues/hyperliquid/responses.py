"""Hyperliquid's answers to requests for contexts, margin tables and the past."""

from typing import Any, Final

import msgspec

from liqbot.events import MarketEvent
from liqbot.venues.hyperliquid.messages import FUNDING_INTERVAL_H, AssetContext, context_facts
from liqbot.venues.parsing import WireBook
from liqbot.venues.rows import answered_rows, each, typed_row
from liqbot.venues.streams import TierRow

BAR_MS: Final = 300_000
CAP_USD_LAST: Final = 1e9
"""Of the last margin tier, which has none: where our own tables end."""


class _Coin(msgspec.Struct, rename="camel"):
    name: str
    max_leverage: float
    margin_table_id: int | None = None


class _MarginTier(msgspec.Struct, rename="camel"):
    lower_bound: float
    max_leverage: float


class _MarginTable(msgspec.Struct, rename="camel"):
    margin_tiers: list[_MarginTier]


class _Meta(msgspec.Struct, rename="camel"):
    universe: list[_Coin]
    margin_tables: list[tuple[int, _MarginTable]] = []


class _Names(msgspec.Struct):
    universe: list[Any]


class _Candle(msgspec.Struct):
    start_ms: int = msgspec.field(name="t")
    coin: str = msgspec.field(name="s")
    open: float = msgspec.field(name="o")
    high: float = msgspec.field(name="h")
    low: float = msgspec.field(name="l")
    close: float = msgspec.field(name="c")
    amount: float = msgspec.field(name="v")
    """In coin."""


class _PastFunding(msgspec.Struct, rename="camel"):
    coin: str
    funding_rate: float
    time: int


def contexts(payload: Any, book: WireBook, now_ms: int) -> list[MarketEvent]:
    """Of every coin in one answer: names in the first part, contexts in the same order in the second. No times."""
    names, rows = book.convert(payload, tuple[_Names, list[Any]], "metaAndAssetCtxs")
    facts: list[MarketEvent] = []
    for entry, row in zip(names.universe, rows, strict=False):
        name = entry.get("name") if isinstance(entry, dict) else None
        index = book.index_of.get(name) if isinstance(name, str) else None
        if index is None:
            continue
        context = typed_row(row, AssetContext, "metaAndAssetCtxs", book)
        if context is not None:
            facts += context_facts(context, index, now_ms, book)
    return facts


def tiers(payload: Any, book: WireBook, index: int) -> tuple[TierRow, ...]:
    """Tiers are given by where they begin; maintenance is half the initial margin at the tier's highest leverage."""
    meta = book.convert(payload, _Meta, "meta")
    coin = next((one for one in meta.universe if one.name == book.contracts[index].symbol_id), None)
    if coin is None:
        raise book.malformed("meta universe", book.contracts[index].symbol_id)
    table = dict(meta.margin_tables).get(coin.margin_table_id if coin.margin_table_id is not None else -1)
    found = table.margin_tiers if table is not None else [_MarginTier(0.0, coin.max_leverage)]
    ordered = sorted(found, key=lambda tier: tier.lower_bound)
    if not ordered:
        raise book.malformed("meta marginTiers", found)
    caps = [*(tier.lower_bound for tier in ordered[1:]), CAP_USD_LAST]
    return tuple(
        TierRow(cap, tier.max_leverage, 50.0 / book.positive("meta maxLeverage", tier.max_leverage))
        for cap, tier in zip(caps, ordered, strict=True)
    )


def bars(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """Volume is in coin: valued at the mean of open, high, low and close. No taker split."""

    def bar(row: _Candle) -> list[MarketEvent]:
        prices = (row.open, row.high, row.low, row.close)
        volume_usd = book.contracts[index].usd(row.amount, sum(prices) / 4.0)
        return [book.bar(index, row.start_ms, BAR_MS, prices, volume_usd)]

    return each(answered_rows(payload, _Candle, "candleSnapshot", book), bar, book)


def past_funding(payload: Any, book: WireBook, index: int) -> list[MarketEvent]:
    """Settlements, stamped some milliseconds after the hour."""
    rows = answered_rows(payload, _PastFunding, "fundingHistory", book)
    book.quotes[index].interval_h = FUNDING_INTERVAL_H
    return book.paid(index, [(row.time, row.funding_rate) for row in rows])
