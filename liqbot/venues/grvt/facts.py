"""GRVT: USDT perpetuals; forced orders are not public, margin rule not recorded."""

from typing import Final

from liqbot.venues.evidence import graded
from liqbot.venues.examples import packaged
from liqbot.venues.grvt.streams import WIRE
from liqbot.venues.spec import (
    LINEAR_ONE,
    NO_FORCED_ORDERS,
    NOT_TRADED,
    PRACTICE_UNKNOWN,
    Contract,
    Liquidations,
    RequestBudget,
    VenueSpec,
    listings,
)

_PAGES: Final = "gravity-technologies/api-spec artifacts/apidocs"
_TICKER: Final = "ws full v1.ticker.s"

VENUE: Final = VenueSpec(
    venue="grvt",
    title="GRVT",
    client="grvt",
    contracts=(
        Contract(
            settle="USDT", market_id="{}_USDT_Perp", listings=listings("{}/USDT:USDT", *LINEAR_ONE),
            trade_unit="base", open_interest_unit="base",
        ),
    ),
    symbols=(("{}_USDT_Perp", ""),),
    liquidations=Liquidations(completeness="none"),
    wire=WIRE,
    evidence=(
        *graded(
            "documented", f"{_PAGES}/schemas/trade.md", "2026-11-30",
            ("trades", "ws full v1.trade",
             ("event_time", "instrument", "is_taker_buyer", "size", "price", "trade_id", "venue")),
        ),
        *graded(
            "documented", f"{_PAGES}/schemas/ws_ticker_feed_data_v1.md", "2026-11-30",
            ("mark", _TICKER, ("event_time", "instrument", "mark_price")), ("index", _TICKER, ("index_price",)),
            ("open_interest", _TICKER, ("open_interest",)), ("funding", _TICKER, ("funding_rate_8h_curr",)),
        ),
    ),
    examples=packaged(__package__ or ""),
    proof="loopback",
    market_types=("swap",),
    funding_interval_h=8.0,
    public_budget=RequestBudget(units=10),
    lacks=(NOT_TRADED, NO_FORCED_ORDERS, PRACTICE_UNKNOWN),
    tier_access="public",
    one_ticker=True,
    note="Rates are in percent. Trades know internally whether they were forced; the public stream does not tell.",
)
