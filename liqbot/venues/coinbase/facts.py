"""Coinbase Financial Markets (US): dated and perpetual-style futures with intraday and overnight margin."""

from typing import Final

from liqbot.margin import steps
from liqbot.margin.formulas import MarginRule, TierTable, tier_table
from liqbot.margin.mechanics import Fees
from liqbot.venues.coinbase.streams import WIRE
from liqbot.venues.evidence import FeedEvidence, FeedName
from liqbot.venues.examples import packaged
from liqbot.venues.market_states import MarketState
from liqbot.venues.spec import (
    NO_FORCED_ORDERS,
    NO_PRACTICE,
    NOT_TRADED,
    Contract,
    ContractMargin,
    Liquidations,
    RequestBudget,
    VenueSpec,
    listings,
)
from liqbot.venues.statements import Statement


def _session(initial_pct: float) -> TierTable:
    # The buffer is counted from a liquidation threshold that recorded balances put at half the initial margin.
    return tier_table(
        ((50_000_000, round(100.0 / initial_pct, 2), initial_pct / 2.0),),
        source="recorded margin rates of the BTC perpetual-style future, the higher of both sides; half is assumed",
        as_of="2026-04",
    )


SESSIONS: Final = (("intraday", _session(10.0)), ("overnight", _session(30.6375)))

_PRODUCTS: Final = "GET /api/v3/brokerage/market/products"


def _product(feed: FeedName, *fields: str) -> FeedEvidence:
    return FeedEvidence(
        feed=feed, endpoint=_PRODUCTS, grade="recorded", as_of="2026-04-07",
        source="wire/nautilus_test_data.tgz, coinbase/test_data/http_products_future.json",
        sha256="ee56692e1c7ab202eaa508657c3a21d5de28e1cb155db802b0b9682ef6fce18b", fields=("product_id", *fields),
    )


EVIDENCE: Final = (
    FeedEvidence(
        feed="trades", endpoint="ws advanced-trade-ws.coinbase.com market_trades", grade="documented",
        source="docs.cdp.coinbase.com coinbase-app/advanced-trade-apis/websocket/websocket-channels",
        as_of="2026-11-30", fields=("channel", "events.type", "product_id", "price", "size", "side", "time"),
    ),
    # As ticker_batch on the wire; the middle of bid and ask is taken for the mark, which the venue does not tell.
    FeedEvidence(
        feed="mark", endpoint="ws advanced-trade-ws.coinbase.com ticker_batch", grade="documented",
        source="docs.cdp.coinbase.com coinbase-app/advanced-trade-apis/websocket/websocket-channels",
        as_of="2026-11-30", fields=("channel", "timestamp", "product_id", "best_bid", "best_ask"),
    ),
    _product("index", "future_product_details.index_price"),
    _product("open_interest", "future_product_details.open_interest"),
    _product("funding", "future_product_details.funding_rate", "funding_interval", "funding_time"),
)
STATEMENTS: Final = (
    Statement(topic="leverage_cap", text="intraday margin 10.0 %, overnight 24.6 % of longs and 30.6 % of shorts (BIP)",
              as_of="2026-04-07", source="GET market/products, wire/nautilus_test_data.tgz, coinbase/test_data"),
    Statement(topic="regulation", text="futures regulated by the CFTC, for customers in the US", as_of="2026-11-30",
              source="docs.cdp.coinbase.com api-reference/advanced-trade-api"),
    Statement(topic="change", text="spot and US futures stay where they are while international derivatives moved to "
                                   "Deribit's order books", as_of="2026-11-30",
              source="docs.cdp.coinbase.com advanced-trade/docs/sandbox"),
)

VENUE: Final = VenueSpec(
    venue="coinbase",
    title="Coinbase US",
    client="coinbase",
    contracts=(
        Contract(
            settle="USD", listings=listings("{}/USD:USD", ("BTC", 0.01)), trade_unit="contracts",
            open_interest_unit="contracts",
            margin=ContractMargin(
                rule=MarginRule(basis="mark"), cross_rule=None, ladder=steps.COINBASE, fees=Fees(0.0, 0.03),
                tables=(("BTC", SESSIONS[0][1]), ("ETH", SESSIONS[0][1])),
                sessions=(("BTC", SESSIONS), ("ETH", SESSIONS)),
            ),
            note="Liquidated as necessary when the buffer reaches 0 %; prices jump with the session. Perpetual-style "
                 "futures (BIP, ETP); those that expire within months (BIT, ET) are not read.",
        ),
    ),
    liquidations=Liquidations(completeness="none"),
    wire=WIRE,
    evidence=EVIDENCE,
    statements=STATEMENTS,
    examples=packaged(__package__ or ""),
    states=(
        MarketState(field="trading_disabled", open=("false",), source="ccxt 4.5.90, coinbase", as_of="2026-12-01"),
    ),
    proof="loopback",
    funding_interval_h=1.0,
    # Ten public requests a second from one address.
    public_budget=RequestBudget(units=5),
    lacks=(NOT_TRADED, NO_FORCED_ORDERS, NO_PRACTICE),
    tier_access="rule",
    note="Tells no mark price: the middle of its order book stands for it. Sides of trades are the maker's.",
    us_regulated=True,
)
