"""Hyperliquid: on-chain perpetuals; maintenance is half the initial margin at the tier's highest leverage."""

from typing import Final

from liqbot.margin.formulas import MarginRule, TierTable, tier_table
from liqbot.margin.mechanics import Fees
from liqbot.margin.steps import LiquidationSteps
from liqbot.venues.entry_stops import EntryProtection
from liqbot.venues.examples import packaged
from liqbot.venues.hyperliquid.evidence import EVIDENCE
from liqbot.venues.hyperliquid.responses import CAP_USD_LAST
from liqbot.venues.hyperliquid.streams import WIRE
from liqbot.venues.spec import (
    LINEAR_ONE,
    NOT_TRADED,
    ClientIdRule,
    Contract,
    ContractMargin,
    Liquidations,
    PracticeAccess,
    RequestBudget,
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


BTC: Final = tiers_by_leverage((150_000_000, 40), (CAP_USD_LAST, 20))
ETH: Final = tiers_by_leverage((100_000_000, 25), (CAP_USD_LAST, 15))

VENUE: Final = VenueSpec(
    venue="hyperliquid",
    title="Hyperliquid",
    client="hyperliquid",
    contracts=(
        Contract(
            settle="USDC", listings=listings("{}/USDC:USDC", *LINEAR_ONE), trade_unit="base",
            open_interest_unit="base", open_interest_two_sided=False,
            margin=ContractMargin(
                rule=ON_MARK, cross_rule=ON_MARK, ladder=STEPS, fees=Fees(0.015, 0.045),
                tables=(("BTC", BTC), ("ETH", ETH)),
            ),
            note="Mark, oracle, funding and open interest come without a time of their own: they count as of when they "
                 "came.",
        ),
    ),
    symbols=(("{}-USD", ""),),
    liquidations=Liquidations(
        source="no public stream: fills of the wallets whose positions are read (feeds.accounts)",
        completeness="sampled", side="order",
    ),
    wire=WIRE,
    evidence=EVIDENCE,
    examples=packaged(__package__ or ""),
    proof="loopback",
    message_id="baseName",
    market_types=("swap",),
    # Weights: 1,200 a minute from one address are allowed (rate limits, copy of 2025-11-30); trading has its own part.
    public_budget=RequestBudget(units=600, period_s=60.0),
    lacks=(NOT_TRADED,),
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
