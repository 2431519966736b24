"""Paradex: on-chain perpetuals; margin rule not recorded."""

from typing import Final

from liqbot.venues.evidence import FeedEvidence
from liqbot.venues.examples import packaged
from liqbot.venues.paradex.streams import WIRE
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

_SCHEMA: Final = "SBE schema 1:2 of the venue's own paradex-py (paradex_py/api/sbe/paradex_1_0.xml, 2026-03-17)"


def _documented(feed: str, channel: str, *fields: str) -> FeedEvidence:
    return FeedEvidence(
        feed=feed, endpoint=f"ws v1 {channel} (SBE 1)", grade="documented", source=_SCHEMA,  # type: ignore[arg-type]
        as_of="2026-11-30", fields=fields,
    )


VENUE: Final = VenueSpec(
    venue="paradex",
    title="Paradex",
    client="paradex",
    contracts=(
        Contract(
            settle="USDC", market_id="{}-USD-PERP", listings=listings("{}/USD:USDC", *LINEAR_ONE), trade_unit="base",
            open_interest_unit="base",
        ),
    ),
    symbols=(("{}-USD-PERP", ""),),
    liquidations=Liquidations(
        source="websocket trades, of type LIQUIDATION; that the aggressor is the one liquidated is not documented",
        completeness="complete", side="order",
    ),
    wire=WIRE,
    evidence=(
        _documented("trades", "trades.{market}", "side", "price", "size", "createdAt", "tradeType", "market"),
        _documented("liquidation", "trades.{market}", "side", "price", "size", "createdAt", "tradeType", "market"),
        _documented("mark", "markets_summary.{market}", "ts", "markPrice"),
        _documented("index", "markets_summary.{market}", "indexPrice"),
        _documented("open_interest", "markets_summary.{market}", "openInterest"),
        _documented("funding", "funding_data.{market}", "createdAt", "fundingRate", "fundingRate8h",
                    "fundingPeriodHours"),
    ),
    examples=packaged(__package__ or ""),
    proof="loopback",
    market_types=("swap",),
    public_budget=RequestBudget(units=5),
    lacks=(NOT_TRADED,),
    practice=(PracticeAccess(kind="testnet", switch="set_sandbox_mode"),),
    tier_access="rule",
    one_ticker=True,
    note="Public channels are binary (SBE) since 2026-09-21 (docs.paradex.trade, read 2026-11-30).",
)
