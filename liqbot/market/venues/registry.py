"""All venue rows in one order, and the margin mechanics of any venue key and coin."""

import functools
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from liqbot.instruments import split_venue_key
from liqbot.market import ladders
from liqbot.market.margin import MarginRule, tier_table
from liqbot.market.mechanics import Fees, Mechanics
from liqbot.market.venues.rows import (
    apex,
    aster,
    backpack,
    binance,
    bingx,
    bitfinex,
    bitget,
    bullish,
    bybit,
    cme,
    coinbase,
    coinbaseinternational,
    cryptocom,
    deribit,
    dydx,
    gate,
    grvt,
    htx,
    hyperliquid,
    krakenfutures,
    kucoin,
    lighter,
    mexc,
    okx,
    paradex,
    phemex,
    woofipro,
)
from liqbot.market.venues.spec import ContractMargin, VenueRow

ROWS: Final[tuple[VenueRow, ...]] = (
    binance.ROW, bybit.ROW, okx.ROW, bitget.ROW, krakenfutures.ROW, hyperliquid.ROW, deribit.ROW, gate.ROW, htx.ROW,
    mexc.ROW, kucoin.ROW, bingx.ROW, phemex.ROW, cryptocom.ROW, bitfinex.ROW, dydx.ROW, coinbaseinternational.ROW,
    coinbase.ROW, lighter.ROW, paradex.ROW, woofipro.ROW, aster.ROW, bullish.ROW, backpack.ROW, apex.ROW, grvt.ROW,
    cme.ROW,
)
VENUES: Final[Mapping[str, VenueRow]] = MappingProxyType({row.venue: row for row in ROWS})

_STAND_IN_SOURCE: Final = "stand-in: the smallest tiers of large linear contracts, not this venue's figures"
STAND_IN_MAJOR: Final = tier_table(
    ((50_000, 125, 0.4), (500_000, 100, 0.5), (1_000_000, 75, 0.65), (5_000_000, 50, 1.0), (50_000_000, 20, 2.5),
     (100_000_000, 10, 5.0), (200_000_000, 5, 10.0), (400_000_000, 2, 25.0), (800_000_000, 1, 50.0)),
    source=_STAND_IN_SOURCE, as_of="2026-09-29",
)
"""For BTC and ETH at a venue whose tiers are not recorded."""
STAND_IN_MINOR: Final = tier_table(
    ((20_000, 75, 0.65), (50_000, 50, 1.0), (250_000, 25, 2.0), (1_000_000, 10, 5.0), (5_000_000, 5, 10.0),
     (10_000_000, 2, 25.0), (20_000_000, 1, 50.0)),
    source=_STAND_IN_SOURCE, as_of="2026-09-29",
)
"""For every other coin."""
STAND_IN_MARGIN: Final = ContractMargin(
    rule=MarginRule(basis="mark"), cross_rule=None, ladder=ladders.WHOLE, fees=Fees(0.02, 0.05)
)


@functools.lru_cache(maxsize=1024)
def mechanics_of(venue_key: str, coin: str) -> Mechanics:
    """Margin physics of a book of positions.

    A venue, contract or coin without recorded figures gets the stand-in with `assumed=True`: the venue's own rule where
    it is known, generic maintenance on the mark where it is not; inverse if the key's contract is `coin`.
    """
    venue, contract = split_venue_key(venue_key)
    row = VENUES.get(venue)
    found = row.contract(contract) if row is not None else None
    margin = found.margin if found is not None and found.margin is not None else STAND_IN_MARGIN
    table = dict(margin.tables).get(coin)
    sessions = dict(margin.sessions).get(coin, ())
    return Mechanics(
        venue_key=venue_key,
        coin=coin,
        rule=margin.rule,
        cross_rule=margin.cross_rule,
        table=table or (STAND_IN_MAJOR if coin in {"BTC", "ETH"} else STAND_IN_MINOR),
        inverse=found.inverse if found is not None else contract == "coin",
        fees=margin.fees,
        ladder=margin.ladder,
        session=sessions[0][0] if sessions else "",
        sessions=sessions,
        assumed=table is None,
    )
