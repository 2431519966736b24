"""WOOFi Pro: perpetuals on a shared order book; margin rule not recorded."""

from typing import Final

from liqbot.venues.spec import LINEAR_ONE, Contract, Liquidations, VenueRow, listings

ROW: Final = VenueRow(
    venue="woofipro",
    client="woofipro",
    contracts=(Contract(settle="USDC", listings=listings("{}/USDC:USDC", *LINEAR_ONE), trade_unit="base"),),
    liquidations=Liquidations(completeness="none"),
    tier_access="rule",
    note="A stop by stopLossPrice becomes a plain market order.",
)
