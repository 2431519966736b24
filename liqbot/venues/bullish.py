"""Bullish: USDC perpetuals; units and margin rule not recorded."""

from typing import Final

from liqbot.venues.spec import Contract, Liquidations, VenueRow, listings

ROW: Final = VenueRow(
    venue="bullish",
    client="bullish",
    contracts=(Contract(settle="USDC", listings=listings("{}/USDC:USDC")),),
    liquidations=Liquidations(),
)
