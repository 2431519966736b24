"""All venues: their facts, how their streams are read, how they are traded on, and the margin mechanics of each."""

import functools
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from liqbot.instruments import split_venue_key
from liqbot.margin import steps
from liqbot.margin.formulas import MarginRule, tier_table
from liqbot.margin.mechanics import Fees, Mechanics
from liqbot.venues import (
    apex,
    aster,
    backpack,
    bingx,
    bitfinex,
    bitget,
    bullish,
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
    paradex,
    phemex,
    woofipro,
)
from liqbot.venues.binance import facts as binance
from liqbot.venues.binance.orders import BinanceAdapter
from liqbot.venues.binance.streams import WIRE as BINANCE_WIRE
from liqbot.venues.bybit import facts as bybit
from liqbot.venues.bybit.orders import BybitAdapter
from liqbot.venues.bybit.streams import WIRE as BYBIT_WIRE
from liqbot.venues.okx import facts as okx
from liqbot.venues.okx.orders import OkxAdapter
from liqbot.venues.okx.streams import WIRE as OKX_WIRE
from liqbot.venues.spec import ContractMargin, VenueRow
from liqbot.venues.streams import VenueWire
from liqbot.venues.trading import TradingAdapter

ROWS: Final[tuple[VenueRow, ...]] = (
    binance.ROW, bybit.ROW, okx.ROW, bitget.ROW, krakenfutures.ROW, hyperliquid.ROW, deribit.ROW, gate.ROW, htx.ROW,
    mexc.ROW, kucoin.ROW, bingx.ROW, phemex.ROW, cryptocom.ROW, bitfinex.ROW, dydx.ROW, coinbaseinternational.ROW,
    coinbase.ROW, lighter.ROW, paradex.ROW, woofipro.ROW, aster.ROW, bullish.ROW, backpack.ROW, apex.ROW, grvt.ROW,
    cme.ROW,
)
VENUES: Final[Mapping[str, VenueRow]] = MappingProxyType({row.venue: row for row in ROWS})
WIRES: Final[Mapping[str, VenueWire]] = MappingProxyType(
    {wire.venue: wire for wire in (BINANCE_WIRE, BYBIT_WIRE, OKX_WIRE)}
)
"""Venues whose data is read live."""
TRADING_ADAPTERS: Final[Mapping[str, TradingAdapter]] = MappingProxyType(
    {recipe.venue: recipe for recipe in (BinanceAdapter(), BybitAdapter(), OkxAdapter())}
)
"""Venues that can be traded on."""

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
    rule=MarginRule(basis="mark"), cross_rule=None, ladder=steps.WHOLE, fees=Fees(0.02, 0.05)
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


def wire_of(venue: str) -> VenueWire:
    """ValueError for a venue without a wire, naming those that have one."""
    wire = WIRES.get(venue)
    if wire is None:
        raise ValueError(f"venue: live data of {venue!r} cannot be read; known are {', '.join(WIRES)}")
    return wire


def wired(venues: Sequence[str]) -> tuple[str, ...]:
    """Those of the venues that can be read live, in the same order."""
    return tuple(venue for venue in venues if venue in WIRES)
