"""dYdX: on-chain perpetuals; initial and maintenance fractions come with the market."""

from typing import Final

from liqbot.margin import steps
from liqbot.margin.formulas import MarginRule, tier_table
from liqbot.margin.mechanics import Fees
from liqbot.venues.spec import (
    LINEAR_ONE,
    NOT_READ,
    NOT_TRADED,
    PRACTICE_UNKNOWN,
    Contract,
    ContractMargin,
    Liquidations,
    VenueSpec,
    listings,
)

MARKET: Final = tier_table(
    ((1_000_000_000, 50, 1.2),), source="maintenance fraction of the recorded perpetual markets", as_of="2025-12-08",
    checked_to_usd=1_000_000_000.0,
)

VENUE: Final = VenueSpec(
    venue="dydx",
    title="dYdX",
    client="dydx",
    contracts=(
        Contract(
            settle="USDC", listings=listings("{}/USDC:USDC", *LINEAR_ONE), trade_unit="base",
            margin=ContractMargin(
                rule=MarginRule(basis="mark"), cross_rule=MarginRule(basis="mark"), ladder=steps.WHOLE,
                fees=Fees(0.01, 0.05), tables=(("BTC", MARKET), ("ETH", MARKET)),
            ),
        ),
    ),
    spellings=("dydxv4",),
    symbols=(("{}-USD", ""),),
    liquidations=Liquidations(source="trades of type LIQUIDATED"),
    lacks=(NOT_READ, NOT_TRADED, PRACTICE_UNKNOWN),
    funding_interval_h=1.0,
    tier_access="market_info",
)
