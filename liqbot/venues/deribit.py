"""Deribit: inverse perpetuals (the large book) and linear USDC ones; the rate grows steadily with the size in coin."""

from typing import Final

from liqbot.margin.formulas import MarginRule, TierTable, tier_table
from liqbot.margin.mechanics import Fees
from liqbot.margin.steps import LiquidationSteps
from liqbot.venues.spec import (
    NOT_READ,
    NOT_TRADED,
    Contract,
    ContractMargin,
    Liquidations,
    PracticeAccess,
    VenueSpec,
    listings,
)

# The venue publishes that its steps are small, not how small: a twentieth is an assumption.
STEPS: Final = LiquidationSteps(kind="small_steps", first_share_pct=5.0)

ON_MARK: Final = MarginRule(basis="mark")
_KNOTS: Final = (1.0, 2.5, 5.0, 7.5, 10.0, 15.0, 20.0, 25.0, 37.5, 50.0, 75.0, 100.0, 150.0, 200.0, 275.0, 350.0, 500.0,
                 750.0, 1_000.0)


def growing(maintenance_pct: float, initial_pct: float, growth_pct: float, unit: float, coin_price_usd: float
            ) -> TierTable:
    """A requirement of (rate + growth x size) x size as straight pieces between sizes.

    Exact at `_KNOTS` x `unit`, a little too high between them (at most 1.3 bp of notional up to 25 units).
    Leverage of a piece is that of its lower end, so that the venue's highest leverage exists.
    """
    rows, below = [], 0.0
    for knot in (knot * unit for knot in _KNOTS):
        marginal_pct = maintenance_pct + growth_pct * (below + knot)
        rows.append((knot, 100.0 / (initial_pct + growth_pct * below), marginal_pct))
        below = knot
    return tier_table(tuple(rows), source="margin rule of the venue's perpetuals", as_of="2022-01-11",
                      checked_to_usd=1_000.0 * unit * coin_price_usd, coin_price_usd=coin_price_usd)


BTC: Final = growing(1.0, 2.0, 0.005, 1.0, 100_000.0)
ETH: Final = growing(1.0, 2.0, 0.0004, 10.0, 4_000.0)
_MARGIN: Final = ContractMargin(
    rule=ON_MARK, cross_rule=None, ladder=STEPS, fees=Fees(0.0, 0.05, 0.75),
    tables=(("BTC", BTC), ("ETH", ETH)),
)

VENUE: Final = VenueSpec(
    venue="deribit",
    title="Deribit",
    client="deribit",
    contracts=(
        Contract(
            settle="USDC", listings=listings("{}/USDC:USDC", ("BTC", 0.001)), trade_unit="usd",
            open_interest_unit="base", margin=_MARGIN,
            note="The client puts the coins of open interest into its USD field. Margin is by account equity: "
                 "the price is that of an account with this position alone.",
        ),
        Contract(
            contract="coin", settle="coin", inverse=True, listings=listings("{}/USD:{}", ("BTC", 10.0)),
            trade_unit="usd", open_interest_unit="usd", margin=_MARGIN,
        ),
    ),
    symbols=(("{}-PERPETUAL", "coin"),),
    liquidations=Liquidations(source="trades with a liquidation flag"),
    lacks=(NOT_READ, NOT_TRADED),
    practice=(PracticeAccess(kind="testnet", switch="set_sandbox_mode"),),
    tier_access="rule",
    one_ticker=True,
    note="Client order ids are sent as label. A stop by triggerPrice becomes a plain market order.",
)
