"""ApeX: USDT perpetuals; units and margin rule not recorded."""

from typing import Final

from liqbot.venues.spec import NOT_READ, NOT_TRADED, PRACTICE_UNKNOWN, Contract, Liquidations, VenueSpec, listings

VENUE: Final = VenueSpec(
    venue="apex",
    title="ApeX",
    client="apex",
    contracts=(Contract(settle="USDT", listings=listings("{}/USDT:USDT")),),
    spellings=("apexomni",),
    liquidations=Liquidations(),
    lacks=(NOT_READ, NOT_TRADED, PRACTICE_UNKNOWN),
    one_ticker=True,
)
