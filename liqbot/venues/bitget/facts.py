"""Bitget: USDT, USDC and coin-margined perpetuals; each tier's rate on the whole position, closing fee reserved."""

from typing import Final

from liqbot.margin.formulas import MarginRule, TierTable, tier_table
from liqbot.margin.mechanics import Fees
from liqbot.margin.steps import LiquidationSteps
from liqbot.venues.bitget.marks import BitgetMarks
from liqbot.venues.bitget.orders import BitgetAdapter
from liqbot.venues.bitget.streams import WIRE
from liqbot.venues.entry_stops import EntryProtection
from liqbot.venues.evidence import FeedEvidence
from liqbot.venues.examples import packaged
from liqbot.venues.market_states import MarketState
from liqbot.venues.spec import (
    LINEAR_ONE,
    ClientIdRule,
    Contract,
    ContractMargin,
    Liquidations,
    PracticeAccess,
    RequestBudget,
    VenueSpec,
    listings,
)

STEPS: Final = LiquidationSteps(kind="tiers_down")

WITH_FEE: Final = MarginRule(basis="mark", fee_pct=0.06)


def _announced(*rows: tuple[float, float, float]) -> TierTable:
    return tier_table(rows, source="announcement of the venue's tier adjustment", as_of="2025-09-26", progressive=False,
                      checked_to_usd=1_200_000_000.0)


BTC_USDT: Final = _announced(
    (200_000, 150, 0.4), (1_000_000, 100, 0.5), (5_000_000, 75, 0.7), (15_000_000, 50, 1.0), (50_000_000, 25, 2.0),
    (100_000_000, 20, 3.0), (150_000_000, 10, 6.0), (300_000_000, 5, 12.0), (500_000_000, 4, 15.0),
    (700_000_000, 3, 20.0), (900_000_000, 2, 30.0), (1_200_000_000, 1, 60.0),
)
ETH_USDT: Final = _announced(
    (200_000, 150, 0.4), (1_000_000, 100, 0.5), (3_000_000, 75, 1.0), (12_000_000, 50, 1.5), (40_000_000, 25, 2.0),
    (70_000_000, 20, 3.0), (100_000_000, 10, 5.0), (150_000_000, 8, 7.0), (200_000_000, 7, 8.0), (250_000_000, 6, 9.0),
    (300_000_000, 5, 12.0), (400_000_000, 4, 15.0), (500_000_000, 3, 20.0), (800_000_000, 2, 30.0),
    (1_200_000_000, 1, 60.0),
)

_RECORDING: Final = "tardis_raw_messages.jsonl, exchange bitget-futures (a recording of Tardis)"
_SHA256: Final = "3861a4fe00c9aa25324472e7cfb2c99801f8d1e1887cd6716564042948e74c82"
_RECORDED: Final = "2026-04-28"
_PAGES: Final = "www.bitget.com/api-doc"
EVIDENCE: Final = (
    FeedEvidence(
        feed="trades", endpoint="ws v3 publicTrade", grade="recorded", source=_RECORDING, as_of=_RECORDED,
        sha256=_SHA256, fields=("arg.symbol", "action", "T", "p", "v", "S"),
    ),
    FeedEvidence(
        feed="mark", endpoint="ws v3 ticker", grade="recorded", source=_RECORDING, as_of=_RECORDED, sha256=_SHA256,
        fields=("arg.symbol", "markPrice", "ts"),
    ),
    FeedEvidence(
        feed="index", endpoint="ws v3 ticker", grade="recorded", source=_RECORDING, as_of=_RECORDED, sha256=_SHA256,
        fields=("indexPrice",),
    ),
    FeedEvidence(
        feed="open_interest", endpoint="ws v3 ticker", grade="recorded", source=_RECORDING, as_of=_RECORDED,
        sha256=_SHA256, fields=("openInterest",),
    ),
    FeedEvidence(
        feed="open_interest", endpoint="GET /api/v2/mix/market/open-interest", grade="documented",
        source=f"{_PAGES}/contract/market/Get-Open-Interest", as_of="2025-11-30",
        fields=("ts", "openInterestList.symbol", "openInterestList.size"),
    ),
    FeedEvidence(
        feed="funding", endpoint="ws v3 ticker", grade="recorded", source=_RECORDING, as_of=_RECORDED, sha256=_SHA256,
        fields=("fundingRate",),
    ),
    FeedEvidence(
        feed="funding", endpoint="GET /api/v3/market/current-fund-rate", grade="documented",
        source=f"{_PAGES}/uta/public/Get-Current-Funding-Rate, as a test of Bitget.Net quotes it", as_of="2026-08-06",
        fields=("symbol", "fundingRate", "fundingRateInterval"),
    ),
    FeedEvidence(
        feed="liquidation", endpoint="ws v3 liquidation", grade="recorded", source=_RECORDING, as_of=_RECORDED,
        sha256=_SHA256, fields=("symbol", "side", "price", "amount", "ts"),
    ),
)
VENUE: Final = VenueSpec(
    venue="bitget",
    title="Bitget",
    client="bitget",
    contracts=(
        Contract(
            settle="USDT", market_id="{}USDT", listings=listings("{}/USDT:USDT", *LINEAR_ONE), trade_unit="base",
            open_interest_unit="base",
            margin=ContractMargin(
                rule=WITH_FEE, cross_rule=None, ladder=STEPS, fees=Fees(0.02, 0.06),
                tables=(("BTC", BTC_USDT), ("ETH", ETH_USDT)),
            ),
            note="The formula agrees with the documentation's sample position to its last digit.",
        ),
        Contract(
            contract="usdc", settle="USDC", listings=listings("{}/USDC:USDC", *LINEAR_ONE), trade_unit="base",
            open_interest_unit="base",
        ),
        Contract(
            contract="coin", settle="coin", inverse=True, listings=listings("{}/USD:{}"), trade_unit="usd",
            open_interest_unit="base",
            note="Trades of the unified stream are in USD, open interest by REST in coin; the unified client's `cost` "
                 "of trades is wrong here.",
        ),
    ),
    symbols=(
        ("{}USDT_UMCBL", ""), ("{}USD_DMCBL", "coin"), ("{}PERP_CMCBL", "usdc"), ("{}PERP", "usdc"),
    ),
    # Until some day of 2026 every forced order, in batches of 20 s (as recorded on 2026-04-28); by the page of today
    # once a second the largest of each side of a contract.
    liquidations=Liquidations(
        source="websocket v3 liquidation, all contracts of a kind in one stream, the largest of each side a second",
        completeness="sampled", side="position",
    ),
    wire=WIRE,
    trading=BitgetAdapter(),
    marks=BitgetMarks(),
    evidence=EVIDENCE,
    examples=packaged(__package__ or ""),
    # The unified client looks for another field and finds none: without this a halt would go unseen.
    states=(
        MarketState(
            field="symbolStatus", open=("normal",),
            words=(
                ("listed", "not opened yet"), ("maintain", "in maintenance"),
                ("limit_open", "positions can only be closed"), ("restrictedAPI", "closed to orders by key"),
                ("off", "taken off the list"),
            ),
            source="bitget.com api-doc/contract/market/Get-All-Symbols-Contracts, symbolStatus", as_of="2026-12-01",
        ),
    ),
    proof="loopback",
    market_types=("swap",),
    trading_budget=RequestBudget(units=8),  # ten a second and account for each kind of request
    public_budget=RequestBudget(units=10),  # 20 a second and address for each kind of request, 6,000 a minute in all
    practice=(PracticeAccess(kind="demo", switch="set_sandbox_mode", note="by the header PAPTRADING"),),
    credentials=("api_key", "secret", "password"),
    not_about_key=("40010", "40085"),  # timed out; an account of the other kind
    # insufficient position to set a stop; no position; the position is being closed
    flat_stop_refusals=("31008", "40837", "43023"),
    client_id=ClientIdRule(
        length_max=32, pattern=r"[0-9A-Za-z_:#+-]+",
        note="best practices of 2026-09-28; compared with pending orders alone",
    ),
    protection=EntryProtection(
        attached=None,
        naked="from the fill until the stop sent after it rests; if the process dies there, until one runs again",
        source="v2 place order of 2025-11-30: a stop within an order (presetStopLossPrice) has no choice of the price "
               "that triggers it, and samples of orders show fill_price; ours trigger on the mark",
        lost_stop_ms=31_000,
    ),
    tier_access="public",
    one_ticker=True,
    # Older reduce-only orders give way to a newer one in one-way mode (v2 place order of 2025-11-30).
    reduce_only_counts_open_orders=False,
    note="Forced orders name the position's side and an amount in quote coin. Streams of the unified account (v3) are "
         "public and cover both kinds of accounts; orders are those of classic accounts (v2), which accounts of the "
         "unified kind refuse.",
)
