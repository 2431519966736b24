"""MEXC: USDT and inverse perpetuals; margin tiers not recorded."""

from typing import Final

from liqbot.venues.spec import (
    NO_FORCED_ORDERS,
    NO_PRACTICE,
    NOT_READ,
    NOT_TRADED,
    Contract,
    Liquidations,
    VenueSpec,
    listings,
)

VENUE: Final = VenueSpec(
    venue="mexc",
    title="MEXC",
    client="mexc",
    contracts=(
        Contract(settle="USDT", listings=listings("{}/USDT:USDT", ("BTC", 0.0001)), trade_unit="contracts",
                 open_interest_unit="contracts"),
        Contract(contract="coin", settle="coin", inverse=True, listings=listings("{}/USD:{}", ("BTC", 100.0)),
                 trade_unit="contracts"),
    ),
    spellings=("mxc",),
    liquidations=Liquidations(completeness="none"),
    lacks=(NOT_READ, NOT_TRADED, NO_FORCED_ORDERS, NO_PRACTICE),
    tier_access="public",
    one_ticker=True,
    note="A stop by stopLossPrice becomes a plain market order. Open interest in the raw ticker.",
)
