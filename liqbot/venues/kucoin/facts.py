"""KuCoin: USDT and inverse perpetuals; isolated maintenance on the value at entry."""

from typing import Final

from liqbot.margin import steps
from liqbot.margin.formulas import MarginRule, tier_table
from liqbot.margin.mechanics import Fees
from liqbot.venues.evidence import FeedEvidence, graded
from liqbot.venues.examples import packaged
from liqbot.venues.kucoin.streams import WIRE
from liqbot.venues.market_states import MarketState
from liqbot.venues.spec import (
    NO_FORCED_ORDERS,
    NO_PRACTICE,
    NOT_TRADED,
    Contract,
    ContractMargin,
    Liquidations,
    RequestBudget,
    VenueSpec,
    listings,
)
from liqbot.venues.statements import Statement

BTC_USDT: Final = tier_table(
    ((500_000, 125, 0.4), (1_000_000, 100, 0.5), (2_000_000, 75, 0.7), (10_000_000, 50, 1.0), (50_000_000, 20, 2.5),
     (100_000_000, 10, 5.0)),
    source="first three risk limits of the documentation's sample, the rest assumed", as_of="2024-10-17",
    progressive=False, checked_to_usd=2_000_000.0,
)

_INSTRUMENT: Final = "ws /contract/instrument:{symbol} (wss://ws-api-futures.kucoin.com)"

_RECORDED: Final = "3861a4fe00c9aa25324472e7cfb2c99801f8d1e1887cd6716564042948e74c82"
_RECORDING: Final = "wire/tardis_raw_messages.jsonl"

EVIDENCE: Final = (
    FeedEvidence(
        feed="trades", endpoint="ws /contractMarket/execution:{symbol} (wss://ws-api-futures.kucoin.com)",
        grade="recorded", source=_RECORDING, as_of="2024-01-24", sha256=_RECORDED,
        fields=("symbol", "side", "size", "price", "ts"),
    ),
    FeedEvidence(feed="mark", endpoint=_INSTRUMENT, grade="recorded", source=_RECORDING, as_of="2024-01-24",
                 sha256=_RECORDED, fields=("topic", "markPrice", "timestamp")),
    FeedEvidence(feed="index", endpoint=_INSTRUMENT, grade="recorded", source=_RECORDING, as_of="2024-01-24",
                 sha256=_RECORDED, fields=("topic", "indexPrice", "timestamp")),
    FeedEvidence(feed="funding", endpoint=_INSTRUMENT, grade="recorded", source=_RECORDING, as_of="2024-01-24",
                 sha256=_RECORDED, fields=("topic", "fundingRate", "timestamp")),
    *graded(
        "documented", "kucoin.com/docs-new/3470084w0", "2024-11-18",
        ("trades", "ws /contractMarket/execution:{symbol} (wss://ws-api-futures.kucoin.com)",
         ("symbol", "side", "size", "price", "ts")),
    ),
    # The page bears no date; its example of a mark is of that day.
    *graded(
        "documented", "kucoin.com/docs-new/3470087w0", "2024-11-18",
        ("mark", _INSTRUMENT, ("topic", "markPrice", "timestamp")),
        ("index", _INSTRUMENT, ("topic", "indexPrice", "timestamp")),
        ("funding", _INSTRUMENT, ("topic", "fundingRate", "timestamp")),
    ),
    *graded(
        "documented", "kucoin.com/docs-new, Get Symbol (list of fields)", "2026-10-03",
        ("open_interest", "GET /api/v1/contracts/{symbol}", ("symbol", "openInterest", "markPrice")),
        ("funding", "GET /api/v1/contracts/{symbol}",
         ("fundingFeeRate", "fundingRateGranularity", "currentFundingRateGranularity")),
    ),
)

_STATEMENTS: Final = (
    Statement(
        topic="fees", as_of="2026-11-30",
        source="kucoin.com/docs/rest/funding/trade-fee/trading-pair-actual-fee-futures",
        text=".02 % maker, .06 % taker on XBTUSDTM in the example of the request for them.",
    ),
    Statement(
        topic="liquidation", as_of="2026-11-30",
        source="kucoin.com/docs-new/rest/ua/get-position-tiers",
        text="In a unified account tiers follow the position alone; the leverage bounds its size, position "
             "and open orders set the maintenance margin.",
    ),
)

VENUE: Final = VenueSpec(
    venue="kucoin",
    title="KuCoin",
    client="kucoinfutures",
    contracts=(
        Contract(
            settle="USDT", listings=listings("{}/USDT:USDT", ("BTC", 0.001), ("ETH", 0.01)), trade_unit="contracts",
            open_interest_unit="contracts",
            margin=ContractMargin(
                rule=MarginRule(basis="entry"), cross_rule=MarginRule(basis="mark", fee_pct=0.06),
                ladder=steps.WHOLE, fees=Fees(0.02, 0.06), tables=(("BTC", BTC_USDT),),
            ),
        ),
        Contract(
            contract="coin", settle="coin", inverse=True, listings=listings("{}/USD:{}", ("BTC", 1.0), coins=("BTC",)),
            trade_unit="contracts", open_interest_unit="contracts",
        ),
    ),
    spellings=("kucoinfutures", "kumex"),
    symbols=(("{}USDTM", ""), ("{}USDCM", "usdc"), ("{}USDM", "coin")),
    liquidations=Liquidations(completeness="none"),
    lacks=(NOT_TRADED, NO_FORCED_ORDERS, NO_PRACTICE),
    wire=WIRE,
    evidence=EVIDENCE,
    statements=_STATEMENTS,
    examples=packaged(__package__ or ""),
    states=(
        MarketState(field="status", open=("Open",), source="ccxt 4.5.90, kucoin", as_of="2026-12-01"),
    ),
    proof="loopback",
    # 2,000 units in 30 seconds from one address, each request weighs what the documentation says.
    public_budget=RequestBudget(units=30),
    credentials=("api_key", "secret", "password"),
    tier_access="public",
    note="Sends leverage 1 with an order unless one is given. Times of trades are nanoseconds.",
)
