"""Crypto.com: USD perpetuals; margin rule not recorded."""

from typing import Final

from liqbot.venues.spec import (
    LINEAR_ONE,
    NO_FORCED_ORDERS,
    NOT_READ,
    NOT_TRADED,
    PRACTICE_UNKNOWN,
    Contract,
    Liquidations,
    VenueSpec,
    listings,
)

VENUE: Final = VenueSpec(
    venue="cryptocom",
    title="Crypto.com",
    client="cryptocom",
    contracts=(Contract(settle="USD", listings=listings("{}/USD:USD", *LINEAR_ONE), trade_unit="base"),),
    liquidations=Liquidations(completeness="none"),
    lacks=(NOT_READ, NOT_TRADED, NO_FORCED_ORDERS, PRACTICE_UNKNOWN),
    tier_access="rule",
    note="Client order ids are sent as client_oid. Open interest in the raw ticker.",
)
