"""What OKX says of maintenance of its trading service, and of a contract that is suspended."""

from typing import Any, Final

import msgspec

from liqbot.legible import spelled_and_cut
from liqbot.venues.answers import answer, as_it_is
from liqbot.venues.market_states import MarketState, VenueStatus

_METHOD: Final = "publicGetSystemStatus"
_CLOSED: Final = frozenset({"ongoing", "pre_open"})
_TRADING: Final = frozenset({"5", "8", "9"})
"""Services: trading, and trading in batches of accounts or of products. Others are websockets, blocks, bots."""
_PRODUCTION: Final = "1"


class _Event(msgspec.Struct, rename="camel"):
    state: str
    service_type: str
    title: str = ""
    env: str = _PRODUCTION
    """`1` production, `2` demo trading."""


class _Answer(msgspec.Struct):
    data: list[_Event]


def _closed(payload: Any, coin: str) -> str:
    del coin
    events = answer("okx", _METHOD, payload, _Answer, as_it_is).data
    going_on = [
        f"{one.title or 'maintenance'} is {one.state}" for one in events
        if one.state in _CLOSED and one.service_type in _TRADING and one.env == _PRODUCTION
    ]
    return spelled_and_cut("; ".join(going_on))


STATUS: Final = VenueStatus(
    method=_METHOD, endpoint="GET /api/v5/system/status", read=_closed,
    source="okx.com/docs-v5 status, as quoted by rust-okx 0.6.4: state, serviceType, env, title", as_of="2026-12-01",
)
STATES: Final = (
    MarketState(
        field="state", open=("live",),
        words=(("suspend", "trading is suspended"), ("preopen", "not opened yet"), ("test", "a test pair")),
        source="okx.com/docs-v5 public data, instruments: state, as quoted by OKX.Net", as_of="2026-12-01",
    ),
)
