"""GRVT: USDT perpetuals; units and margin rule not recorded."""

from typing import Final

from liqbot.venues.spec import NOT_READ, NOT_TRADED, PRACTICE_UNKNOWN, Contract, Liquidations, VenueSpec, listings

VENUE: Final = VenueSpec(
    venue="grvt",
    title="GRVT",
    client="grvt",
    contracts=(Contract(settle="USDT", listings=listings("{}/USDT:USDT")),),
    liquidations=Liquidations(),
    lacks=(NOT_READ, NOT_TRADED, PRACTICE_UNKNOWN),
    one_ticker=True,
)
