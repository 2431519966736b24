"""Hyperliquid: on-chain perpetuals; maintenance is half the initial margin at the tier's highest leverage."""

from typing import Final

from liqbot.margin.formulas import MarginRule, TierTable, tier_table
from liqbot.margin.mechanics import Fees
from liqbot.margin.steps import LiquidationSteps
from liqbot.venues.entry_stops import EntryProtection
from liqbot.venues.spec import (
    LINEAR_ONE,
    NOT_READ,
    NOT_TRADED,
    ClientIdRule,
    Contract,
    ContractMargin,
    Liquidations,
    PracticeAccess,
    RequestExpiry,
    VenueSpec,
    listings,
)

STEPS: Final = LiquidationSteps(
    kind="fraction_first", takers=("book", "vault", "counterparties"), first_share_pct=20.0, whole_up_to_usd=100_000.0,
    pause_ms=30_000, vault_below_share_pct=200.0 / 3.0,
)

ON_MARK: Final = MarginRule(basis="mark")


def tiers_by_leverage(*rows: tuple[float, float], as_of: str = "2026-09-27") -> TierTable:
    """From (cap, leverage): maintenance is 1 / (2 leverage), with the deduction that keeps it continuous."""
    return tier_table(
        tuple((cap, leverage, 50.0 / leverage) for cap, leverage in rows),
        source="margin tables of the venue's meta call", as_of=as_of, checked_to_usd=1e12,
    )


BTC: Final = tiers_by_leverage((150_000_000, 40), (1_000_000_000, 20))
ETH: Final = tiers_by_leverage((100_000_000, 25), (1_000_000_000, 15))

VENUE: Final = VenueSpec(
    venue="hyperliquid",
    title="Hyperliquid",
    client="hyperliquid",
    contracts=(
        Contract(
            settle="USDC", listings=listings("{}/USDC:USDC", *LINEAR_ONE), trade_unit="base",
            open_interest_unit="base",
            margin=ContractMargin(
                rule=ON_MARK, cross_rule=ON_MARK, ladder=STEPS, fees=Fees(0.015, 0.045),
                tables=(("BTC", BTC), ("ETH", ETH)),
            ),
            note="Open interest of all coins in one call, without a timestamp.",
        ),
    ),
    symbols=(("{}-USD", ""),),
    liquidations=Liquidations(source="fills that carry a liquidation; open positions are public"),
    lacks=(NOT_READ, NOT_TRADED),
    practice=(PracticeAccess(kind="testnet", switch="set_sandbox_mode"),),
    client_id=ClientIdRule(length_max=34, pattern=r"0x[0-9a-f]{32}", note="0x and 32 hexadecimal digits"),
    protection=EntryProtection(
        attached=None,
        naked="from the fill until the stop sent after it rests; its grouped children wait for the whole fill and go "
              "when the entry is cancelled",
        source="exchange endpoint, grouping normalTpsl, of 2025-11-30",
    ),
    expiry=RequestExpiry(
        name="expiresAfter", place="body", paths=(),
        source="exchange endpoint of 2025-11-30; an expired one costs five times the rate weight",
    ),
    funding_interval_h=1.0,
    tier_access="market_info",
    one_ticker=True,
    note="No cancel-all. Market orders need a price; with attached stops one id lands on all three orders.",
)
