"""HTX: USDT perpetuals; margin tiers not recorded."""

from typing import Final

from liqbot.venues.spec import NO_PRACTICE, NOT_READ, NOT_TRADED, Contract, Liquidations, VenueSpec, listings

VENUE: Final = VenueSpec(
    venue="htx",
    title="HTX",
    client="htx",
    contracts=(
        Contract(settle="USDT", listings=listings("{}/USDT:USDT", ("BTC", 0.001)), trade_unit="contracts",
                 open_interest_unit="contracts"),
    ),
    spellings=("huobi", "huobipro", "huobidm", "huobidmswap:coin"),
    liquidations=Liquidations(source="REST", side="order"),
    lacks=(NOT_READ, NOT_TRADED, NO_PRACTICE),
    tier_access="public",
)
