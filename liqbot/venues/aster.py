"""Aster: USDT perpetuals; margin rule not recorded."""

from typing import Final

from liqbot.venues.spec import (
    LINEAR_ONE,
    NO_PRACTICE,
    NOT_READ,
    NOT_TRADED,
    Contract,
    Liquidations,
    VenueSpec,
    listings,
)

VENUE: Final = VenueSpec(
    venue="aster",
    title="Aster",
    client="aster",
    contracts=(Contract(settle="USDT", listings=listings("{}/USDT:USDT", *LINEAR_ONE)),),
    spellings=("asterdex",),
    liquidations=Liquidations(),
    lacks=(NOT_READ, NOT_TRADED, NO_PRACTICE),
    tier_access="rule",
)
