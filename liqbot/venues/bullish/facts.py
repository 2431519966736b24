"""Bullish: USDC perpetuals; forced orders are not public, margin rule not recorded."""

from typing import Final

from liqbot.venues.bullish.streams import WIRE
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

_DOCS: Final = "docs.exchange.bullish.com, as kept in api-evangelist/bullish"
_TICK: Final = "ws trading-api/v1/market-data/tick/<symbol>"

VENUE: Final = VenueSpec(
    venue="bullish",
    title="Bullish",
    client="bullish",
    contracts=(
        Contract(
            settle="USDC", market_id="{}-USDC-PERP", listings=listings("{}/USDC:USDC", *LINEAR_ONE),
            trade_unit="base", open_interest_unit="base", open_interest_two_sided=True,
            note="Its page counts the quantity of long and of short positions as open interest: taken by its word.",
        ),
    ),
    symbols=(("{}-USDC-PERP", ""),),
    liquidations=Liquidations(completeness="none"),
    wire=WIRE,
    evidence=(
        *graded(
            "documented", f"{_DOCS} asyncapi/bullish-ws-trades-asyncapi.yml", "2026-08-08",
            ("trades", "ws trading-api/v1/market-data/trades",
             ("symbol", "price", "quantity", "side", "isTaker", "createdAtDatetime")),
        ),
        *graded(
            "documented", f"{_DOCS} asyncapi/bullish-ws-ticks-asyncapi.yml", "2026-08-08",
            ("mark", _TICK, ("symbol", "createdAtDatetime", "markPrice")), ("funding", _TICK, ("fundingRate",)),
            ("open_interest", _TICK, ("openInterest",)),
        ),
        *graded(
            "documented", f"{_DOCS} openapi/bullish-index-price-data-api-openapi.yml", "2026-08-08",
            ("index", "GET trading-api/v1/index-prices/<asset>", ("assetSymbol", "price", "updatedAtDatetime")),
        ),
    ),
    examples=packaged(__package__ or ""),
    proof="loopback",
    market_types=("swap",),
    funding_interval_h=1.0,
    # 50 requests a second.
    public_budget=RequestBudget(units=10),
    lacks=(NOT_TRADED, NO_FORCED_ORDERS),
    practice=(PracticeAccess(kind="testnet", switch="set_sandbox_mode"),),
    tier_access="market_info",
    one_ticker=False,
    note="Rates of ticks are percent an hour, as others have measured (its page names no unit); past rates fractions.",
)
