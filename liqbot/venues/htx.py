"""HTX: USDT perpetuals; margin tiers not recorded."""

from typing import Final

from liqbot.venues.spec import Contract, Liquidations, VenueRow, listings

ROW: Final = VenueRow(
    venue="htx",
    client="htx",
    contracts=(
        Contract(settle="USDT", listings=listings("{}/USDT:USDT", ("BTC", 0.001)), trade_unit="contracts",
                 open_interest_unit="contracts"),
    ),
    liquidations=Liquidations(source="REST", side="order"),
    tier_access="public",
    test_access="none",
)
