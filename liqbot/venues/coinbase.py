"""Coinbase Financial Markets (US): dated and perpetual-style futures with intraday and overnight margin."""

from typing import Final

from liqbot.margin import steps
from liqbot.margin.formulas import MarginRule, TierTable, tier_table
from liqbot.margin.mechanics import Fees
from liqbot.venues.spec import (
    NO_FORCED_ORDERS,
    NO_PRACTICE,
    NOT_READ,
    NOT_TRADED,
    Contract,
    ContractMargin,
    Liquidations,
    VenueSpec,
    listings,
)


def _session(initial_pct: float) -> TierTable:
    # The buffer is counted from a liquidation threshold that recorded balances put at half the initial margin.
    return tier_table(
        ((50_000_000, round(100.0 / initial_pct, 2), initial_pct / 2.0),),
        source="recorded margin rates of the BTC perpetual-style future, the higher of both sides; half is assumed",
        as_of="2026-04",
    )


SESSIONS: Final = (("intraday", _session(10.0)), ("overnight", _session(30.6375)))

VENUE: Final = VenueSpec(
    venue="coinbase",
    title="Coinbase US",
    client="coinbase",
    contracts=(
        Contract(
            settle="USD", listings=listings("{}/USD:USD", ("BTC", 0.01)), trade_unit=None,
            margin=ContractMargin(
                rule=MarginRule(basis="mark"), cross_rule=None, ladder=steps.COINBASE, fees=Fees(0.0, 0.03),
                tables=(("BTC", SESSIONS[0][1]), ("ETH", SESSIONS[0][1])),
                sessions=(("BTC", SESSIONS), ("ETH", SESSIONS)),
            ),
            note="Liquidated as necessary when the buffer reaches 0 %; prices jump with the session.",
        ),
    ),
    liquidations=Liquidations(completeness="none"),
    lacks=(NOT_READ, NOT_TRADED, NO_FORCED_ORDERS, NO_PRACTICE),
    funding_interval_h=1.0,
    tier_access="rule",
    us_regulated=True,
)
