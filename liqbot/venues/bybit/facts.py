"""Bybit: USDT perpetuals (maintenance on the value at entry) and inverse ones."""

from typing import Final

from liqbot.margin.formulas import MarginRule, tier_table
from liqbot.margin.mechanics import Fees
from liqbot.margin.steps import LiquidationSteps
from liqbot.margin.tiers import evenly_stepped
from liqbot.venues.bybit.marks import BybitMarks
from liqbot.venues.bybit.orders import BybitAdapter
from liqbot.venues.bybit.responses import STATUS_METHOD, closed
from liqbot.venues.bybit.streams import WIRE
from liqbot.venues.entry_stops import AttachedStop, EntryProtection
from liqbot.venues.evidence import FeedEvidence, FeedName
from liqbot.venues.examples import packaged
from liqbot.venues.market_states import MarketState, VenueStatus
from liqbot.venues.spec import (
    LINEAR_ONE,
    ClientIdRule,
    Contract,
    ContractMargin,
    Liquidations,
    PracticeAccess,
    RefusalShape,
    VenueSpec,
    listings,
)
from liqbot.venues.statements import stated

STEPS: Final = LiquidationSteps(kind="tiers_down")

_LADDER_OF_RISK: Final = (
    (2.0, 100, 0.5), (2.6, 90, 0.56), (3.2, 80, 0.63), (3.8, 75, 0.67), (4.4, 70, 0.71), (5.0, 65, 0.77),
    (5.6, 55, 0.91), (8.5, 50, 1.0), (10.0, 45, 1.3), (14.0, 40, 1.5), (20.0, 35, 1.6), (28.0, 30, 2.0),
    (38.0, 25, 2.5), (50.0, 20, 2.9), (55.0, 19, 3.0), (60.0, 18, 3.5), (65.0, 17, 3.6), (70.0, 16, 3.8),
    (75.0, 15, 4.0), (80.0, 14, 4.5),
)
"""(cap in millions of USDT, leverage, maintenance in percent) of BTCUSDT."""

BTC_USDT: Final = tier_table(
    tuple((cap * 1_000_000, leverage, rate) for cap, leverage, rate in _LADDER_OF_RISK),
    source="margin parameters page of BTCUSDT, with its deductions", as_of="undated", checked_to_usd=80_000_000.0,
)
# Only the first border of ETHUSDT is recorded; the others are those of BTCUSDT in the same proportion.
ETH_USDT: Final = tier_table(
    tuple((cap * 450_000, leverage, rate) for cap, leverage, rate in _LADDER_OF_RISK),
    source="first tier from a recorded position message, the rest in proportion to BTCUSDT", as_of="2025-11-03",
    checked_to_usd=900_000.0,
)
_INVERSE_SOURCE: Final = "risk limit of inverse contracts: base value and even increments; increments not recorded"
BTC_COIN: Final = tier_table(
    evenly_stepped(((150, 100, 0.5),), step=150, count=9, maintenance_pct_step=0.5, initial_pct=1.0,
                   initial_pct_step=0.5),
    source=_INVERSE_SOURCE, as_of="2025-11-25", coin_price_usd=100_000.0, checked_to_usd=15_000_000.0,
)
ETH_COIN: Final = tier_table(
    evenly_stepped(((3_000, 50, 1.0),), step=3_000, count=9, maintenance_pct_step=1.0, initial_pct=2.0,
                   initial_pct_step=1.0),
    source=_INVERSE_SOURCE, as_of="2025-11-25", coin_price_usd=4_000.0,
)

_TARDIS: Final = "tardis_raw_messages.jsonl"
_SHA256: Final = "3861a4fe00c9aa25324472e7cfb2c99801f8d1e1887cd6716564042948e74c82"


def _recorded(feed: FeedName, topic: str, as_of: str, *fields: str) -> FeedEvidence:
    return FeedEvidence(
        feed=feed, endpoint=f"ws v5/public {topic}", grade="recorded", source=f"{_TARDIS} bybit {topic}", as_of=as_of,
        sha256=_SHA256, fields=fields,
    )


EVIDENCE: Final = (
    _recorded("trades", "publicTrade.LTCUSDT", "2023-04-05", "T", "s", "S", "v", "p"),
    _recorded("liquidation", "allLiquidation.PIPPINUSDT", "2025-02-25", "T", "s", "S", "v", "p"),
    _recorded("mark", "tickers.BTCUSDT", "2023-04-05", "ts", "symbol", "markPrice"),
    _recorded("index", "tickers.BTCUSDT", "2023-04-05", "ts", "symbol", "indexPrice"),
    _recorded("funding", "tickers.BTCUSDT", "2023-04-05", "ts", "symbol", "fundingRate"),
    # The single-sided figure came after the recording.
    FeedEvidence(
        feed="open_interest", endpoint="ws v5/public tickers.<symbol>", grade="documented",
        source="bybit-exchange.github.io/docs/v5/websocket/public/ticker", as_of="2026-06-18",
        fields=("ts", "symbol", "openInterest", "singleOpenInterest"),
    ),
)
"""How the shape of Bybit's market data is known: recordings of its v5 streams, which are those of today."""

STATEMENTS: Final = (
    *stated(
        "bybit.eu announcement-info/liquidation-summarize, looked up", "2026-11-30",
        ("trigger", "mark price"),
        ("liquidation", "whole in the lowest tier; above it one order to a lower tier, then whole"),
    ),
    *stated(
        "bybit.com help-center Insurance-Fund", "2024-05-04",
        ("insurance_fund", "covers closes beyond the bankruptcy price; its balance is published"),
        ("deleveraging", "when the insurance fund does not suffice"),
    ),
)

VENUE: Final = VenueSpec(
    venue="bybit",
    title="Bybit linear",
    client="bybit",
    contracts=(
        Contract(
            settle="USDT", market_id="{}USDT", listings=listings("{}/USDT:USDT", *LINEAR_ONE), trade_unit="base",
            open_interest_unit="base", open_interest_two_sided=True,
            margin=ContractMargin(
                rule=MarginRule(basis="entry"), cross_rule=None, ladder=STEPS, fees=Fees(0.02, 0.055),
                tables=(("BTC", BTC_USDT), ("ETH", ETH_USDT)),
            ),
            note="Cross and portfolio margin: the account's rate reaches 100 %, no per-position price. "
                 "Use the ticker's single-sided open interest; the REST default is one hour old.",
        ),
        Contract(
            contract="coin", settle="coin", inverse=True, listings=listings("{}/USD:{}", ("BTC", 1.0), ("ETH", 1.0)),
            trade_unit="usd", open_interest_unit="usd",
            margin=ContractMargin(
                rule=MarginRule(basis="mark"), cross_rule=None, ladder=STEPS, fees=Fees(0.02, 0.055),
                tables=(("BTC", BTC_COIN), ("ETH", ETH_COIN)),
            ),
        ),
    ),
    spellings=("bybitinverse:coin",),
    symbols=(("{}PERP", "usdc"),),
    liquidations=Liquidations(
        source="websocket allLiquidation.<symbol>, batches of 500 ms", completeness="complete", side="position"
    ),
    wire=WIRE,
    trading=BybitAdapter(),
    marks=BybitMarks(),
    evidence=EVIDENCE,
    statements=STATEMENTS,
    examples=packaged(__package__ or ""),
    states=(
        MarketState(
            field="status", open=("Trading",),
            words=(("PreLaunch", "not opened yet"), ("Delivering", "being settled"), ("Closed", "over")),
            source="bybit-exchange.github.io docs/v5/enum, status", as_of="2026-12-01",
        ),
    ),
    status=VenueStatus(
        method=STATUS_METHOD, endpoint="GET /v5/system/status", read=closed,
        source="bybit-exchange.github.io docs/v5/system-status: list.state, list.title", as_of="2026-12-01",
    ),
    proof="loopback",
    market_types=("linear", "inverse"),
    refusal=RefusalShape(code=("retCode", "code"), reason=("retMsg", "msg")),
    practice=(
        PracticeAccess(kind="testnet", switch="set_sandbox_mode"),
        PracticeAccess(kind="demo", switch="enable_demo_trading"),
    ),
    # current position is zero, cannot fix reduce-only order qty (of orders; of stops it is not documented)
    flat_stop_refusals=("110017",),
    client_id=ClientIdRule(length_max=36, pattern=r"[A-Za-z0-9_-]+"),
    protection=EntryProtection(
        attached=AttachedStop(
            scope="position", own_id=False, covers_partial_fills=True, outlives_position=False,
        ),
        naked="the venue's own time between a fill and the stop that it creates; it is not documented",
        source="v5 place order (stopLoss, slTriggerBy, tpslMode) of 2026-07-24, help center on TP/SL of 2025-09-18, "
               "changelog on parentOrderLinkId of 2026-01-07",
    ),
    funding_interval_h=8.0,
    tier_access="public",
    one_ticker=True,
    note="Forced orders carry the bankruptcy price; Buy means that a long was liquidated.",
)
