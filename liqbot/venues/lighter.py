"""Lighter: on-chain perpetuals; positions can be measured."""

from typing import Final

from liqbot.venues.spec import LINEAR_ONE, Contract, Liquidations, VenueRow, listings

ROW: Final = VenueRow(
    venue="lighter",
    client="lighter",
    contracts=(Contract(settle="USDC", listings=listings("{}/USDC:USDC", *LINEAR_ONE)),),
    liquidations=Liquidations(source="inside trades"),
    one_ticker=True,
)
