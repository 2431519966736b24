"""Bitfinex: USDT perpetuals; margin rule not recorded."""

from typing import Final

from liqbot.venues.spec import LINEAR_ONE, Contract, Liquidations, VenueRow, listings

ROW: Final = VenueRow(
    venue="bitfinex",
    client="bitfinex",
    contracts=(Contract(settle="USDT", listings=listings("{}/USDT:USDT", *LINEAR_ONE)),),
    liquidations=Liquidations(source="REST, all symbols"),
    test_access="none",
)
