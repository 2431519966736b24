"""Aster: USDT perpetuals that speak Binance's dialect; margin rule not recorded."""

from typing import Final

from liqbot.venues.aster.streams import OPEN_INTEREST, WIRE
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
    UnlistedRequest,
    VenueSpec,
    listings,
)

_TARDIS: Final = "raw messages in the tests of tardis-node (aster-futures)"
_TARDIS_SHA256: Final = "3861a4fe00c9aa25324472e7cfb2c99801f8d1e1887cd6716564042948e74c82"
_STREAMS: Final = "asterdex.github.io/aster-api-website/futures-v3/websocket-market-streams"


def _documented(feed: str, stream: str, *fields: str) -> FeedEvidence:
    return FeedEvidence(
        feed=feed, endpoint=f"ws {stream}", grade="documented", source=_STREAMS,  # type: ignore[arg-type]
        as_of="2026-04-24", fields=fields,
    )


VENUE: Final = VenueSpec(
    venue="aster",
    title="Aster",
    client="aster",
    contracts=(
        Contract(
            settle="USDT", market_id="{}USDT", listings=listings("{}/USDT:USDT", *LINEAR_ONE), trade_unit="base",
            open_interest_unit="base",
        ),
    ),
    spellings=("asterdex",),
    liquidations=Liquidations(
        source="websocket forceOrder, the newest of each second and contract", completeness="sampled", side="order",
    ),
    wire=WIRE,
    evidence=(
        # The archive's own frames of these streams are Binance's of 2019-20: they are no evidence for this venue.
        _documented("trades", "<symbol>@aggTrade", "s", "p", "q", "T", "m"),
        _documented("mark", "<symbol>@markPrice@1s", "s", "E", "p"),
        _documented("index", "<symbol>@markPrice@1s", "i"),
        _documented("funding", "<symbol>@markPrice@1s", "r"),
        _documented("liquidation", "<symbol>@forceOrder", "o.s", "o.S", "o.p", "o.ap", "o.z", "o.T"),
        FeedEvidence(
            feed="open_interest", endpoint="GET fapi/v1/openInterest", grade="recorded", source=_TARDIS,
            as_of="2026-08-18", sha256=_TARDIS_SHA256, fields=("symbol", "openInterest", "time"),
        ),
    ),
    examples=packaged(__package__ or ""),
    states=(
        MarketState(field="status", open=("TRADING",), source="ccxt 4.5.90, aster", as_of="2026-12-01"),
    ),
    proof="loopback",
    market_types=("swap",),
    unlisted=(UnlistedRequest(method=OPEN_INTEREST, group=("fapiPublic",), path="v1/openInterest"),),
    # 2,400 units of weight a minute from one address (exchange information, 2026-04-24).
    public_budget=RequestBudget(units=10),
    lacks=(NOT_TRADED, NO_PRACTICE),
    tier_access="rule",
    one_ticker=False,
    note="Its documentation of the third version names no request for open interest; the first version's is used.",
)
