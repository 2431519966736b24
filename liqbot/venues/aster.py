"""Aster: USDT perpetuals; margin rule not recorded."""

from typing import Final

from liqbot.venues.spec import LINEAR_ONE, Contract, Liquidations, VenueRow, listings

ROW: Final = VenueRow(
    venue="aster",
    client="aster",
    contracts=(Contract(settle="USDT", listings=listings("{}/USDT:USDT", *LINEAR_ONE)),),
    liquidations=Liquidations(),
    tier_access="rule",
    test_access="none",
)
