"""MEXC: USDT and inverse perpetuals; margin tiers not recorded."""

from typing import Final

from liqbot.venues.evidence import FeedEvidence, graded
from liqbot.venues.examples import packaged
from liqbot.venues.mexc.streams import WIRE
from liqbot.venues.spec import (
    NO_FORCED_ORDERS,
    NO_PRACTICE,
    NOT_TRADED,
    Contract,
    Liquidations,
    RequestBudget,
    VenueSpec,
    listings,
)

_DOCUMENTED: Final = "2025-11-03"
"""The newest entry of its change log in the copy that was read."""
_TICKER: Final = "ws push.ticker (wss://contract.mexc.com/edge)"

EVIDENCE: Final = (
    # One deal of that day, at the price of that day.
    FeedEvidence(
        feed="trades", endpoint="ws push.deal (wss://contract.mexc.com/edge)", grade="recorded",
        source="JKorf/Mexc.Net, FuturesApi/Trades.txt", as_of="2025-11-20",
        sha256="f6efe0f7dd321b962e6111ae07f6619078db96aeb62620a734fea5f989601cc1",
        fields=("symbol", "p", "v", "T", "t"),
    ),
    *graded(
        "documented", "contract API documentation (contract_v1_en), public channels", _DOCUMENTED,
        ("mark", _TICKER, ("symbol", "fairPrice", "timestamp")),
        ("index", _TICKER, ("symbol", "indexPrice", "timestamp")),
        ("open_interest", _TICKER, ("symbol", "holdVol", "timestamp")),
    ),
    *graded(
        "documented", "contract API documentation (contract_v1_en), market endpoints", _DOCUMENTED,
        ("funding", "GET /api/v1/contract/funding_rate/{symbol}",
         ("symbol", "fundingRate", "collectCycle", "timestamp")),
    ),
)

VENUE: Final = VenueSpec(
    venue="mexc",
    title="MEXC",
    client="mexc",
    contracts=(
        Contract(
            settle="USDT", market_id="{}_USDT", listings=listings("{}/USDT:USDT", ("BTC", 0.0001)),
            trade_unit="contracts", open_interest_unit="contracts",
            note="Whether open interest counts one side or both is not documented; it is taken for one.",
        ),
        Contract(
            contract="coin", settle="coin", inverse=True, listings=listings("{}/USD:{}", ("BTC", 100.0)),
            trade_unit="contracts", open_interest_unit="contracts",
        ),
    ),
    spellings=("mxc",),
    liquidations=Liquidations(completeness="none"),
    lacks=(NOT_TRADED, NO_FORCED_ORDERS, NO_PRACTICE),
    wire=WIRE,
    evidence=EVIDENCE,
    examples=packaged(__package__ or ""),
    proof="loopback",
    # 20 requests in two seconds for each of its public endpoints (market endpoints of the same documentation).
    public_budget=RequestBudget(units=5),
    tier_access="public",
    one_ticker=True,
    # The channel for forced orders that some libraries name is a private notification about one's own.
    note="A stop by stopLossPrice becomes a plain market order. The ticker tells no funding interval: it is requested.",
)
