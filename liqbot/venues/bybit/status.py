"""What Bybit says of maintenance and incidents.

Which products an announcement is about is coded by numbers that were not looked up: each one that is going on counts.
"""

from typing import Any, Final

import msgspec

from liqbot.legible import spelled_and_cut
from liqbot.venues.answers import answer, as_it_is
from liqbot.venues.market_states import MarketState, VenueStatus

_METHOD: Final = "publicGetV5SystemStatus"


class _Event(msgspec.Struct):
    state: str
    title: str = ""


class _Events(msgspec.Struct):
    list: list[_Event]


class _Answer(msgspec.Struct):
    result: _Events


def _closed(payload: Any, coin: str) -> str:
    del coin
    events = answer("bybit", _METHOD, payload, _Answer, as_it_is).result.list
    going_on = [f"{one.title or 'maintenance'} is {one.state}" for one in events if one.state == "ongoing"]
    return spelled_and_cut("; ".join(going_on))


STATUS: Final = VenueStatus(
    method=_METHOD, endpoint="GET /v5/system/status", read=_closed,
    source="bybit-exchange.github.io docs/v5/system-status: list.state, list.title", as_of="2026-12-01",
)
STATES: Final = (
    MarketState(
        field="status", open=("Trading",),
        words=(("PreLaunch", "not opened yet"), ("Delivering", "being settled"), ("Closed", "over")),
        source="bybit-exchange.github.io docs/v5/enum, status", as_of="2026-12-01",
    ),
)
