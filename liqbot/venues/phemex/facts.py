"""Phemex: USDT and coin-margined perpetuals; margin tiers not recorded."""

from typing import Final

from liqbot.venues.evidence import FeedEvidence, FeedName, graded
from liqbot.venues.examples import packaged
from liqbot.venues.market_states import MarketState
from liqbot.venues.phemex.streams import WIRE
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
from liqbot.venues.statements import Statement

_HEDGED: Final = "github.com/phemex/phemex-api-docs, Public-Hedged-Perpetual-API.md"
_CONTRACT: Final = "phemex-docs.github.io, Contract Websocket API, 24-hours ticker message"
_AS_OF: Final = "2022-10-31"
"""The newest time in the examples of the page; the copies bear no date."""
_PACK: Final = "ws perp_market24h_pack_p.update (wss://ws.phemex.com)"

_RECORDED: Final = "3861a4fe00c9aa25324472e7cfb2c99801f8d1e1887cd6716564042948e74c82"
_RECORDING: Final = "wire/tardis_raw_messages.jsonl"


def _packed(feed: FeedName, field: str) -> FeedEvidence:
    return FeedEvidence(feed=feed, endpoint=_PACK, grade="recorded", source=_RECORDING, as_of="2022-11-23",
                        sha256=_RECORDED, fields=("symbol", field, "timestamp"))


EVIDENCE: Final = (
    FeedEvidence(
        feed="trades", endpoint="ws trade_p.subscribe (wss://ws.phemex.com)", grade="recorded", source=_RECORDING,
        as_of="2022-11-23", sha256=_RECORDED, fields=("trades_p[ts, side, price, qty]", "symbol", "type"),
    ),
    # Open interest is zero in it, of either contract: that is no recording of one.
    _packed("mark", "markRp"), _packed("index", "indexRp"), _packed("funding", "fundingRateRr"),
    *graded(
        "documented", _HEDGED, _AS_OF,
        ("trades", "ws trade_p.subscribe (wss://ws.phemex.com)", ("trades_p[ts, side, price, qty]", "symbol", "type")),
        ("mark", _PACK, ("symbol", "markRp", "timestamp")),
        ("index", _PACK, ("symbol", "indexRp", "timestamp")),
        ("open_interest", _PACK, ("symbol", "openInterestRv", "timestamp")),
        ("funding", _PACK, ("symbol", "fundingRateRr", "timestamp")),
    ),
    *graded(
        "documented", _CONTRACT, "2019-11-14",
        ("mark", "ws market24h.subscribe (wss://ws.phemex.com), coin-margined",
         ("markPrice", "indexPrice", "openInterest", "fundingRate", "symbol", "timestamp")),
    ),
)

_STATEMENTS: Final = (
    Statement(
        topic="change", as_of="2026-11-30",
        source="phemex-docs.github.io, overview",
        text="Websockets are dialled at wss://ws.phemex.com, without a path or a query.",
    ),
)

VENUE: Final = VenueSpec(
    venue="phemex",
    title="Phemex",
    client="phemex",
    contracts=(
        # In a ticker of BTCUSDT of October 2024 openInterestRv is 1,848.1144186: coin, whatever its suffix says.
        Contract(
            settle="USDT", market_id="{}USDT", listings=listings("{}/USDT:USDT", *LINEAR_ONE), trade_unit="base",
            open_interest_unit="base",
        ),
        Contract(
            contract="coin", settle="coin", inverse=True, listings=listings("{}/USD:{}", ("BTC", 1.0)),
            trade_unit="contracts", open_interest_unit="contracts",
        ),
    ),
    liquidations=Liquidations(completeness="none"),
    lacks=(NOT_TRADED, NO_FORCED_ORDERS, PRACTICE_UNKNOWN),
    wire=WIRE,
    evidence=EVIDENCE,
    statements=_STATEMENTS,
    examples=packaged(__package__ or ""),
    states=(
        MarketState(field="status", open=("Listed",), source="ccxt 4.5.90, phemex", as_of="2026-12-01"),
    ),
    proof="loopback",
    # It allows a client 200 requests a minute (REST API, rate limits).
    public_budget=RequestBudget(units=10, period_s=10.0),
    one_ticker=True,
    note="A stop by stopLossPrice becomes a plain market order. The past has no bars: candles want a key.",
)
