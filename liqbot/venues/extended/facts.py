"""Extended: perpetuals in USD, backed by USDC; margin tiers not recorded."""

from typing import Final

from liqbot.venues.evidence import graded
from liqbot.venues.examples import packaged
from liqbot.venues.extended.streams import WIRE
from liqbot.venues.market_states import MarketState
from liqbot.venues.spec import (
    LINEAR_ONE,
    NOT_TRADED,
    Contract,
    Liquidations,
    PracticeAccess,
    RequestBudget,
    VenueSpec,
    listings,
)

_SDK: Final = "x10xchange/python_sdk (the venue's own)"
_MARKETS: Final = "GET api/v1/info/markets"

VENUE: Final = VenueSpec(
    venue="extended",
    title="Extended",
    client="extended",
    contracts=(
        Contract(
            settle="USDC", market_id="{}-USD", listings=listings("{}/USDC:USDC", *LINEAR_ONE), trade_unit="base",
            open_interest_unit="usd",
        ),
    ),
    spellings=("x10",),
    symbols=(("{}-USD", ""),),
    liquidations=Liquidations(
        source="websocket publicTrades, which tell their type; that their side is the taking order's is not documented",
        completeness="complete", side="order",
    ),
    wire=WIRE,
    evidence=(
        *graded(
            "documented", f"{_SDK} x10/models/trade.py, x10/clients/stream/stream_client.py", "2026-11-30",
            ("trades", "ws publicTrades/<market>", ("m", "S", "T", "p", "q")),
            ("liquidation", "ws publicTrades/<market>", ("m", "S", "tT", "T", "p", "q")),
        ),
        *graded(
            "documented", f"{_SDK} x10/models/market.py", "2026-11-30",
            ("mark", _MARKETS, ("name", "marketStats.markPrice")), ("index", _MARKETS, ("marketStats.indexPrice",)),
            ("open_interest", _MARKETS, ("marketStats.openInterest",)),
            ("funding", _MARKETS, ("marketStats.fundingRate",)),
        ),
    ),
    examples=packaged(__package__ or ""),
    states=(
        MarketState(field="status", open=("ACTIVE",), source="ccxt 4.5.90, extended", as_of="2026-12-01"),
    ),
    proof="loopback",
    market_types=("swap",),
    funding_interval_h=1.0,
    lacks=(NOT_TRADED,),
    practice=(PracticeAccess(kind="testnet", switch="set_sandbox_mode"),),
    # 1,000 requests a minute from one address.
    public_budget=RequestBudget(units=10),
    tier_access="market_info",
    one_ticker=False,
    note="Mark, open interest and funding are polled; whose side a forced trade tells is taken to be the order's.",
)
