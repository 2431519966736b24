"""Hyperliquid: on-chain perpetuals; maintenance is half the initial margin at the tier's highest leverage."""

from typing import Final

from liqbot.margin.formulas import MarginRule, TierTable, tier_table
from liqbot.margin.mechanics import Fees
from liqbot.margin.steps import LiquidationSteps
from liqbot.venues.entry_stops import EntryProtection
from liqbot.venues.examples import packaged
from liqbot.venues.hyperliquid.client_ids import cloid_of
from liqbot.venues.hyperliquid.evidence import EVIDENCE
from liqbot.venues.hyperliquid.marks import HyperliquidMarks
from liqbot.venues.hyperliquid.orders import HyperliquidAdapter
from liqbot.venues.hyperliquid.responses import CAP_USD_LAST
from liqbot.venues.hyperliquid.signing import expiring
from liqbot.venues.hyperliquid.streams import WIRE
from liqbot.venues.market_states import MarketState
from liqbot.venues.spec import (
    LINEAR_ONE,
    ClientIdRule,
    Contract,
    ContractMargin,
    Liquidations,
    PracticeAccess,
    RefusalShape,
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


REFUSALS: Final = (
    ("Price must be divisible by tick size", "Tick"), ("Order must have minimum value of", "MinTradeNtl"),
    ("Insufficient margin to place order", "PerpMargin"), ("Reduce only order would increase position", "ReduceOnly"),
    ("Post only order would have immediately matched", "BadAloPx"),
    ("Order could not immediately match against any resting orders", "IocCancel"),
    ("Invalid TP/SL price", "BadTriggerPx"), ("No liquidity available for market order", "MarketOrderNoLiquidity"),
    ("Order would increase open interest too quickly", "OpenInterestIncrease"),
    ("Order would increase open interest", "PositionIncreaseAtOpenInterestCap"),
    ("Order price too far from oracle", "Oracle"),
    ("Order would cause position to exceed margin tier", "PerpMaxPosition"),
    ("Order was never placed, already canceled, or filled", "MissingOrder"),
)
"""Its own names of refusals, which come as words alone ("Error responses", copy of 2025-11-30)."""

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
    states=(
        MarketState(
            field="isDelisted", open=("false",), words=(("true", "taken off the list"),),
            source="info endpoint, perpetuals metadata: universe, isDelisted", as_of="2026-12-01",
        ),
    ),
    proof="loopback",
    message_id="baseName",
    market_types=("swap",),
    # Weights: 1,200 a minute from one address are allowed (rate limits, copy of 2025-11-30); trading has its own part.
    public_budget=RequestBudget(units=400, period_s=60.0),
    trading=HyperliquidAdapter(),
    marks=HyperliquidMarks(),
    # Most reads weigh 20 and more, a start with a position open comes to 570; a question about one order weighs 2, an
    # order 1.
    trading_budget=RequestBudget(units=760, period_s=60.0, priority_share=0.2),
    stops_by_name=True,
    credentials=("wallet_address", "private_key"),
    # Else it approves a fee for its makers, sets a referrer and asks for the mode of the account before every order.
    silenced=("initialize_client",),
    refusal=RefusalShape(
        code=(), reason=("response.data.statuses.0.error", "response", "error"), words=REFUSALS,
        auth=("User or API Wallet", "L1 error: User or API Wallet", "Must deposit before performing actions"),
    ),
    flat_stop_refusals=("ReduceOnly",),
    always_on_mark=True,
    practice=(PracticeAccess(kind="testnet", switch="set_sandbox_mode"),),
    client_id=ClientIdRule(
        length_max=34, pattern=r"0x[0-9a-f]{32}", note="0x and 32 hexadecimal digits: our letters, byte by byte",
        spelt=cloid_of,
    ),
    protection=EntryProtection(
        attached=None,
        naked="from the fill until the stop sent after it rests: children of grouping normalTpsl wait for the whole "
              "fill and go when the entry is cancelled, and whether a reduce-only stop of the same action is judged "
              "after its entry has filled is not documented",
        source="exchange endpoint, grouping normalTpsl, of 2025-11-30",
    ),
    expiry=RequestExpiry(
        name="expiresAfter", place="body", paths=("exchange",), signed=expiring,
        source="exchange endpoint of 2025-11-30; an expired one costs five times the rate weight",
    ),
    funding_interval_h=1.0,
    tier_access="market_info",
    one_ticker=True,
    note="Market orders are immediate limits 5 % beyond the best price, which is read from the book first; a triggered "
         "stop fills within 10 % of its trigger. No cancel-all. Unified accounts and portfolio margin are refused.",
)
