"""Paradex: on-chain perpetuals; margin rule not recorded."""

from typing import Final

from liqbot.venues.spec import (
    LINEAR_ONE,
    NOT_READ,
    NOT_TRADED,
    PRACTICE_UNKNOWN,
    Contract,
    Liquidations,
    VenueSpec,
    listings,
)

VENUE: Final = VenueSpec(
    venue="paradex",
    title="Paradex",
    client="paradex",
    contracts=(Contract(settle="USDC", listings=listings("{}/USD:USDC", *LINEAR_ONE)),),
    liquidations=Liquidations(),
    lacks=(NOT_READ, NOT_TRADED, PRACTICE_UNKNOWN),
    tier_access="rule",
    one_ticker=True,
)
