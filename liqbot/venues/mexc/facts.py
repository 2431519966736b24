"""MEXC: USDT and inverse perpetuals; margin tiers by request."""

from typing import Final

from liqbot.venues.evidence import FeedEvidence, graded
from liqbot.venues.examples import packaged
from liqbot.venues.market_states import MarketState
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
from liqbot.venues.statements import Statement

_DOCUMENTED: Final = "2025-11-03"
"""The newest entry of its change log in the copy that was read."""
_TICKER: Final = "ws push.ticker (wss://contract.mexc.com/edge)"

EVIDENCE: Final = (
    # Two deals of that day, at the price of that day. A sample of 2025-11-20 (JKorf/Mexc.Net, FuturesApi/Trades.txt)
    # is alike, but nothing says that it was recorded.
    FeedEvidence(
        feed="trades", endpoint="ws push.deal (wss://contract.mexc.com/edge)", grade="recorded",
        source="raw messages in the tests of tardis-node (mexc-futures)", as_of="2025-08-18",
        sha256="3861a4fe00c9aa25324472e7cfb2c99801f8d1e1887cd6716564042948e74c82",
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

_STATEMENTS: Final = (
    Statement(
        topic="leverage_cap", as_of="2026-11-30",
        source="mexc.com/api-docs/futures/market-endpoints/get-contract-info, example",
        text="500x on BTC_USDT up to its first level of volume; lower by country and with size.",
    ),
    Statement(
        topic="fees", as_of="2026-11-30",
        source="mexc.com/api-docs/futures/market-endpoints/get-contract-info, example",
        text=".01 % maker, .04 % taker on BTC_USDT; some pairs are free, and rates differ by region.",
    ),
    Statement(
        topic="change", as_of="2026-02-04",
        source="mexc.com/api-docs/futures/update-log, quoted in github.com/ccxt/ccxt/issues/27838",
        text="Requests about futures go to api.mexc.com since 2026-01-19, no longer to contract.mexc.com; "
             "streams stayed there.",
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
        ),
        Contract(
            contract="coin", settle="coin", inverse=True,
            listings=listings("{}/USD:{}", ("BTC", 100.0), ("ETH", 10.0)),
            trade_unit="contracts", open_interest_unit="contracts",
        ),
    ),
    spellings=("mxc",),
    liquidations=Liquidations(completeness="none"),
    lacks=(NOT_TRADED, NO_FORCED_ORDERS, NO_PRACTICE),
    wire=WIRE,
    evidence=EVIDENCE,
    statements=_STATEMENTS,
    examples=packaged(__package__ or ""),
    states=(
        MarketState(field="state", open=("0",), source="ccxt 4.5.90, mexc", as_of="2026-12-01"),
    ),
    proof="loopback",
    # 20 requests in two seconds for each of its public endpoints (market endpoints of the same documentation).
    public_budget=RequestBudget(units=5),
    tier_access="public",
    one_ticker=True,
    # The channel for forced orders that some libraries name is a private notification about one's own.
    note="A stop by stopLossPrice becomes a plain market order. The ticker tells no funding interval: it is requested.",
)
