"""dYdX: on-chain perpetuals; initial and maintenance fractions come with the market."""

from typing import Final

from liqbot.margin.formulas import MarginRule, tier_table
from liqbot.margin.mechanics import Fees
from liqbot.margin.steps import LiquidationSteps
from liqbot.venues.dydx.responses import CAP_USD
from liqbot.venues.dydx.streams import WIRE
from liqbot.venues.evidence import FeedEvidence
from liqbot.venues.examples import packaged
from liqbot.venues.market_states import MarketState
from liqbot.venues.spec import (
    LINEAR_ONE,
    NOT_TRADED,
    Contract,
    ContractMargin,
    Liquidations,
    PracticeAccess,
    RequestBudget,
    VenueSpec,
    listings,
)

MARKET: Final = tier_table(
    ((CAP_USD, 50, 1.2),), source="maintenance fraction of the recorded perpetual markets", as_of="2025-12-08",
    checked_to_usd=CAP_USD,
)
STEPS: Final = LiquidationSteps(kind="whole", takers=("book", "insurance_fund", "counterparties"))

_TARDIS: Final = "raw messages in the tests of tardis-node (dydx-v4)"
_TARDIS_SHA256: Final = "3861a4fe00c9aa25324472e7cfb2c99801f8d1e1887cd6716564042948e74c82"
_NAUTILUS: Final = "http_get_perpetual_markets.json of nautilus_trader's dydx adapter"
_NAUTILUS_SHA256: Final = "ee56692e1c7ab202eaa508657c3a21d5de28e1cb155db802b0b9682ef6fce18b"
_MARKETS: Final = "GET v4/perpetualMarkets"
_TRADES: Final = "ws v4_trades"


def _market(feed: str, *fields: str) -> FeedEvidence:
    return FeedEvidence(
        feed=feed, endpoint=_MARKETS, grade="recorded", source=_NAUTILUS, as_of="2025-12-08",  # type: ignore[arg-type]
        sha256=_NAUTILUS_SHA256, fields=fields,
    )


VENUE: Final = VenueSpec(
    venue="dydx",
    title="dYdX",
    client="dydx",
    contracts=(
        Contract(
            settle="USDC", market_id="{}-USD", listings=listings("{}/USDC:USDC", *LINEAR_ONE), trade_unit="base",
            open_interest_unit="base", open_interest_two_sided=False,
            margin=ContractMargin(
                rule=MarginRule(basis="mark"), cross_rule=MarginRule(basis="mark"), ladder=STEPS,
                fees=Fees(0.01, 0.05), tables=(("BTC", MARKET), ("ETH", MARKET)),
            ),
            note="Positions are valued at the oracle price, which is mark and index in one.",
        ),
    ),
    spellings=("dydxv4",),
    symbols=(("{}-USD", ""),),
    liquidations=Liquidations(
        source="websocket v4_trades, type LIQUIDATED (an order on the book) or DELEVERAGED (off it)",
        completeness="complete", side="order",
    ),
    wire=WIRE,
    evidence=(
        FeedEvidence(feed="trades", endpoint=_TRADES, grade="recorded", source=_TARDIS, as_of="2024-08-22",
                     sha256=_TARDIS_SHA256, fields=("side", "size", "price", "type", "createdAt")),
        # A recorded row of type LIQUIDATED, of 2024-08-04, set into a frame of another market.
        FeedEvidence(feed="liquidation", endpoint=_TRADES, grade="recorded", source=_TARDIS, as_of="2024-08-04",
                     sha256=_TARDIS_SHA256, fields=("side", "size", "price", "type", "createdAt")),
        _market("mark", "oraclePrice"),
        _market("index", "oraclePrice"),
        _market("open_interest", "openInterest"),
        _market("funding", "nextFundingRate"),
    ),
    examples=packaged(__package__ or ""),
    states=(
        MarketState(field="status", open=("ACTIVE",), source="ccxt 4.5.90, dydx", as_of="2026-12-01"),
    ),
    proof="loopback",
    market_types=("swap",),
    funding_interval_h=1.0,
    lacks=(NOT_TRADED,),
    practice=(PracticeAccess(kind="testnet", switch="set_sandbox_mode"),),
    # 100 requests in 10 s from one address.
    public_budget=RequestBudget(units=5),
    tier_access="market_info",
    one_ticker=False,
    note="Mark, open interest and funding are polled: the unified client has no channel of markets.",
)
