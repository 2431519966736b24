"""Phemex: USDT and inverse perpetuals; margin tiers not recorded."""

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
    venue="phemex",
    title="Phemex",
    client="phemex",
    contracts=(
        Contract(settle="USDT", listings=listings("{}/USDT:USDT", *LINEAR_ONE), trade_unit="base"),
        Contract(contract="coin", settle="coin", inverse=True, listings=listings("{}/USD:{}")),
    ),
    liquidations=Liquidations(completeness="none"),
    lacks=(NOT_READ, NOT_TRADED, NO_FORCED_ORDERS, PRACTICE_UNKNOWN),
    one_ticker=True,
    note="A stop by stopLossPrice becomes a plain market order. Open interest in the raw ticker, none for inverse.",
)
