"""Crypto.com: USD perpetuals; margin rule not recorded."""

from typing import Final

from liqbot.venues.spec import LINEAR_ONE, Contract, Liquidations, VenueRow, listings

ROW: Final = VenueRow(
    venue="cryptocom",
    client="cryptocom",
    contracts=(Contract(settle="USD", listings=listings("{}/USD:USD", *LINEAR_ONE), trade_unit="base"),),
    liquidations=Liquidations(completeness="none"),
    tier_access="rule",
    client_id_note="sent as client_oid",
    note="Open interest in the raw ticker.",
)
