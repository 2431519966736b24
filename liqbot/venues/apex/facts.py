"""ApeX: USDT perpetuals; forced orders are not public, margin rule not recorded."""

from typing import Final

from liqbot.venues.apex.streams import WIRE
from liqbot.venues.evidence import graded
from liqbot.venues.examples import packaged
from liqbot.venues.spec import (
    LINEAR_ONE,
    NO_FORCED_ORDERS,
    NOT_TRADED,
    Contract,
    Liquidations,
    PracticeAccess,
    RequestBudget,
    VenueSpec,
    listings,
)

_PARSER: Final = "ccxt 4.5.90 parser; api-docs.omni.apex.exchange was not at hand beyond its first page"
_TICKER: Final = "GET api/v3/ticker"

VENUE: Final = VenueSpec(
    venue="apex",
    title="ApeX",
    client="apex",
    contracts=(
        Contract(
            settle="USDT", market_id="{}-USDT", listings=listings("{}/USDT:USDT", *LINEAR_ONE), trade_unit="base",
            open_interest_unit="base",
        ),
    ),
    spellings=("apexomni",),
    symbols=(("{}USDT", ""), ("{}-USDT", "")),
    message_id="id2",
    # The unified client gives the smallest order as the size of a contract; amounts are in coin.
    client_sizes=False,
    liquidations=Liquidations(completeness="none"),
    wire=WIRE,
    evidence=graded(
        "inferred", _PARSER, "2026-11-30",
        ("trades", "ws realtime_public recentlyTrade.H.<symbol>", ("T", "S", "v", "p")),
        ("mark", _TICKER, ("symbol", "markPrice")), ("index", _TICKER, ("indexPrice",)),
        ("open_interest", _TICKER, ("openInterest",)), ("funding", _TICKER, ("predictedFundingRate",)),
    ),
    examples=packaged(__package__ or ""),
    proof="loopback",
    market_types=("swap",),
    funding_interval_h=1.0,
    # 600 requests a minute from one address.
    public_budget=RequestBudget(units=8),
    lacks=(NOT_TRADED, NO_FORCED_ORDERS),
    practice=(PracticeAccess(kind="testnet", switch="set_sandbox_mode"),),
    tier_access="market_info",
    one_ticker=True,
)
