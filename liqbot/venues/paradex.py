"""Paradex: on-chain perpetuals; margin rule not recorded."""

from typing import Final

from liqbot.venues.spec import LINEAR_ONE, Contract, Liquidations, VenueRow, listings

ROW: Final = VenueRow(
    venue="paradex",
    client="paradex",
    contracts=(Contract(settle="USDC", listings=listings("{}/USD:USDC", *LINEAR_ONE)),),
    liquidations=Liquidations(),
    tier_access="rule",
    one_ticker=True,
)
