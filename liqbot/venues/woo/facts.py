"""WOO X: USDT perpetuals; forced orders are not public, margin rule not recorded."""

from typing import Final

from liqbot.venues.evidence import FeedEvidence
from liqbot.venues.examples import packaged
from liqbot.venues.market_states import MarketState
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
from liqbot.venues.woo.streams import WIRE

_TARDIS: Final = "raw messages in the tests of tardis-node (woo-x, legacy)"
_TARDIS_SHA256: Final = "3861a4fe00c9aa25324472e7cfb2c99801f8d1e1887cd6716564042948e74c82"


def _recorded(feed: str, topic: str, *fields: str) -> FeedEvidence:
    return FeedEvidence(
        feed=feed, endpoint=f"ws/stream {{symbol}}@{topic}", grade="recorded", source=_TARDIS,  # type: ignore[arg-type]
        as_of="2023-01-23", sha256=_TARDIS_SHA256, fields=("ts", *fields),
    )


VENUE: Final = VenueSpec(
    venue="woo",
    title="WOO X",
    client="woo",
    contracts=(
        Contract(
            settle="USDT", market_id="PERP_{}_USDT", listings=listings("{}/USDT:USDT", *LINEAR_ONE),
            trade_unit="base", open_interest_unit="base",
        ),
    ),
    spellings=("woox",),
    symbols=(("PERP_{}_USDT", ""),),
    liquidations=Liquidations(completeness="none"),
    wire=WIRE,
    evidence=(
        # Of the endpoint that the unified client still dials; a third version with other names runs beside it.
        _recorded("trades", "trade", "price", "size", "side"),
        _recorded("mark", "markprice", "price"),
        _recorded("funding", "estfundingrate", "fundingRate"),
        _recorded("open_interest", "openinterest", "openInterest"),
        FeedEvidence(
            feed="index", endpoint="GET v3/public/futures", grade="inferred", source="ccxt 4.5.90 parser",
            as_of="2026-11-30", fields=("indexPrice",),
        ),
    ),
    examples=packaged(__package__ or ""),
    states=(
        MarketState(field="status", open=("TRADING",), source="ccxt 4.5.90, woo", as_of="2026-12-01"),
    ),
    proof="loopback",
    market_types=("swap",),
    # 10 requests a second.
    public_budget=RequestBudget(units=5),
    lacks=(NOT_TRADED, NO_FORCED_ORDERS),
    practice=(PracticeAccess(kind="testnet", switch="set_sandbox_mode"),),
    tier_access="rule",
    one_ticker=False,
    note="A stop by stopLossPrice becomes a plain market order. The funding interval is taken to be eight hours.",
)
