"""Orderly's shared order book, as WOOFi Pro serves it: perpetuals settled in USDC; margin rule not recorded."""

from typing import Final

from liqbot.venues.evidence import FeedEvidence
from liqbot.venues.examples import packaged
from liqbot.venues.market_states import VenueStatus
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
from liqbot.venues.woofipro.responses import STATUS_METHOD, closed
from liqbot.venues.woofipro.streams import WIRE

_DOCS: Final = "orderly.network/docs/build-on-omnichain"
_FUTURES: Final = "GET /v1/public/futures/{symbol}"


def _documented(feed: str, endpoint: str, page: str, *fields: str) -> FeedEvidence:
    return FeedEvidence(
        feed=feed, endpoint=endpoint, grade="documented", source=f"{_DOCS}/{page}",  # type: ignore[arg-type]
        as_of="2026-11-30", fields=fields,
    )


def _answered(feed: str, field: str) -> FeedEvidence:
    """One page names the request and its limit, another one the fields of a row."""
    return FeedEvidence(
        feed=feed, endpoint=_FUTURES, grade="documented", as_of="2026-11-30", fields=(field,),  # type: ignore[arg-type]
        source=f"{_DOCS}/restful-api/public/get-market-info-for-all-symbols and "
        "orderly.network/docs/sdks/tech-doc/interfaces/orderly_network_types.API.MarketInfo",
    )


VENUE: Final = VenueSpec(
    venue="woofipro",
    title="WOOFi Pro",
    client="woofipro",
    contracts=(
        Contract(
            settle="USDC", market_id="PERP_{}_USDC", listings=listings("{}/USDC:USDC", *LINEAR_ONE),
            trade_unit="base", open_interest_unit="base",
            note="The order book is Orderly's, shared by every front end on it.",
        ),
    ),
    spellings=("orderly",),
    symbols=(("PERP_{}_USDC", ""),),
    liquidations=Liquidations(
        source="websocket liquidation, all contracts in one topic, without a price", completeness="complete",
        side="position",
    ),
    wire=WIRE,
    evidence=(
        _documented("trades", "ws {symbol}@trade", "websocket-api/public/trade", "ts", "price", "size", "side"),
        _documented("mark", "ws {symbol}@markprice", "websocket-api/public/mark-price", "ts", "price"),
        _documented(
            "liquidation", "ws liquidation", "websocket-api/public/liquidation-push", "liquidationId", "timestamp",
            "type", "positionsByPerp.symbol", "positionsByPerp.positionQty",
        ),
        _answered("index", "index_price"),
        _answered("open_interest", "open_interest"),
        _answered("funding", "est_funding_rate"),
    ),
    examples=packaged(__package__ or ""),
    status=VenueStatus(
        method=STATUS_METHOD, endpoint="GET /v1/public/system_info", read=closed,
        source="orderly.network docs, get system maintenance status: 0 is normal, 2 maintenance", as_of="2026-12-01",
    ),
    proof="loopback",
    market_types=("swap",),
    # 10 requests a second from one address.
    public_budget=RequestBudget(units=5),
    lacks=(NOT_TRADED,),
    practice=(PracticeAccess(kind="testnet", switch="set_sandbox_mode"),),
    tier_access="rule",
    one_ticker=False,
    note="A stop by stopLossPrice becomes a plain market order. Forced orders carry no price: valued at the mark.",
)
