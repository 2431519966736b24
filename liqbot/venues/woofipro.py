"""WOOFi Pro: perpetuals on a shared order book; margin rule not recorded."""

from typing import Final

from liqbot.venues.spec import (
    LINEAR_ONE,
    NO_FORCED_ORDERS,
    NOT_READ,
    NOT_TRADED,
    PRACTICE_UNKNOWN,
    Contract,
    Liquidations,
    VenueSpec,
    listings,
)

VENUE: Final = VenueSpec(
    venue="woofipro",
    title="WOOFi Pro",
    client="woofipro",
    contracts=(Contract(settle="USDC", listings=listings("{}/USDC:USDC", *LINEAR_ONE), trade_unit="base"),),
    liquidations=Liquidations(completeness="none"),
    lacks=(NOT_READ, NOT_TRADED, NO_FORCED_ORDERS, PRACTICE_UNKNOWN),
    tier_access="rule",
    note="A stop by stopLossPrice becomes a plain market order.",
)
