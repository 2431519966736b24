"""BingX: USDT perpetuals; margin tiers not recorded."""

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
    venue="bingx",
    title="BingX",
    client="bingx",
    contracts=(Contract(settle="USDT", listings=listings("{}/USDT:USDT", *LINEAR_ONE), trade_unit="base"),),
    liquidations=Liquidations(completeness="none"),
    lacks=(NOT_READ, NOT_TRADED, NO_FORCED_ORDERS, PRACTICE_UNKNOWN),
    tier_access="key",
)
