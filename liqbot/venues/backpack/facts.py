"""Backpack: USDC perpetuals; margin rule not recorded."""

from typing import Final

from liqbot.venues.backpack.streams import WIRE
from liqbot.venues.evidence import FeedEvidence
from liqbot.venues.examples import packaged
from liqbot.venues.market_states import MarketState
from liqbot.venues.spec import (
    LINEAR_ONE,
    NO_PRACTICE,
    NOT_TRADED,
    Contract,
    Liquidations,
    RequestBudget,
    VenueSpec,
    listings,
)

_STREAMS: Final = (
    "docs.backpack.exchange/#tag/Streams, as transcribed in api-evangelist/backpack (asyncapi/backpack-asyncapi.yml)"
)


def _documented(feed: str, stream: str, *fields: str) -> FeedEvidence:
    return FeedEvidence(
        feed=feed, endpoint=f"ws {stream}", grade="documented", source=_STREAMS,  # type: ignore[arg-type]
        as_of="2026-11-30", fields=fields,
    )


VENUE: Final = VenueSpec(
    venue="backpack",
    title="Backpack",
    client="backpack",
    contracts=(
        Contract(
            settle="USDC", market_id="{}_USDC_PERP", listings=listings("{}/USDC:USDC", *LINEAR_ONE), trade_unit="base",
            open_interest_unit="base",
            note="Open interest is documented as in contracts, which are of one coin.",
        ),
    ),
    symbols=(("{}_USDC_PERP", ""),),
    liquidations=Liquidations(
        source="websocket liquidation, all markets in one stream; neither that it tells all of them nor that its side "
        "is the order's is documented",
        side="order",
    ),
    wire=WIRE,
    evidence=(
        _documented("trades", "trade.<symbol>", "s", "p", "q", "T", "m"),
        _documented("mark", "markPrice.<symbol>", "s", "E", "p"),
        _documented("index", "markPrice.<symbol>", "i"),
        _documented("funding", "markPrice.<symbol>", "f"),
        _documented("open_interest", "openInterest.<symbol>", "s", "E", "o"),
        _documented("liquidation", "liquidation", "s", "S", "p", "q", "T"),
    ),
    examples=packaged(__package__ or ""),
    states=(
        MarketState(field="orderBookState", open=("Open",), source="ccxt 4.5.90, backpack", as_of="2026-12-01"),
    ),
    proof="loopback",
    market_types=("swap",),
    public_budget=RequestBudget(units=5),
    lacks=(NOT_TRADED, NO_PRACTICE),
    tier_access="market_info",
    one_ticker=False,
    note="Initial and maintenance fractions come with the market and grow with the root of the position.",
)
