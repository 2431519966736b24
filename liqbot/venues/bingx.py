"""BingX: USDT perpetuals; margin tiers not recorded."""

from typing import Final

from liqbot.venues.spec import LINEAR_ONE, Contract, Liquidations, VenueRow, listings

ROW: Final = VenueRow(
    venue="bingx",
    client="bingx",
    contracts=(Contract(settle="USDT", listings=listings("{}/USDT:USDT", *LINEAR_ONE), trade_unit="base"),),
    liquidations=Liquidations(completeness="none"),
    tier_access="key",
)
