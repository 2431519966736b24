"""Bullish: USDC perpetuals; units and margin rule not recorded."""

from typing import Final

from liqbot.venues.spec import NOT_READ, NOT_TRADED, PRACTICE_UNKNOWN, Contract, Liquidations, VenueSpec, listings

VENUE: Final = VenueSpec(
    venue="bullish",
    title="Bullish",
    client="bullish",
    contracts=(Contract(settle="USDC", listings=listings("{}/USDC:USDC")),),
    liquidations=Liquidations(),
    lacks=(NOT_READ, NOT_TRADED, PRACTICE_UNKNOWN),
)
