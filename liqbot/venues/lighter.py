"""Lighter: on-chain perpetuals; positions can be measured."""

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
    venue="lighter",
    title="Lighter",
    client="lighter",
    contracts=(Contract(settle="USDC", listings=listings("{}/USDC:USDC", *LINEAR_ONE)),),
    liquidations=Liquidations(source="inside trades"),
    lacks=(NOT_READ, NOT_TRADED, PRACTICE_UNKNOWN),
    one_ticker=True,
)
