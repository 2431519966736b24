"""Bitfinex: USDT perpetuals; margin rule not recorded."""

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
    venue="bitfinex",
    title="Bitfinex",
    client="bitfinex",
    contracts=(Contract(settle="USDT", listings=listings("{}/USDT:USDT", *LINEAR_ONE)),),
    spellings=("bitfinex2",),
    symbols=(("t{}F0:USTF0", ""),),
    liquidations=Liquidations(source="REST, all symbols"),
    lacks=(NOT_READ, NOT_TRADED, NO_PRACTICE),
)
