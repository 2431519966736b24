"""What Orderly says of maintenance."""

from typing import Any, Final

import msgspec

from liqbot.legible import spelled_and_cut
from liqbot.venues.answers import answer, as_it_is
from liqbot.venues.market_states import VenueStatus

_METHOD: Final = "v1PublicGetPublicSystemInfo"
_NORMAL: Final = 0


class _State(msgspec.Struct):
    status: int
    msg: str = ""


class _Answer(msgspec.Struct):
    data: _State


def _closed(payload: Any, coin: str) -> str:
    del coin
    state = answer("woofipro", _METHOD, payload, _Answer, as_it_is).data
    return "" if state.status == _NORMAL else spelled_and_cut(f"status is {state.status}, {state.msg}")


STATUS: Final = VenueStatus(
    method=_METHOD, endpoint="GET /v1/public/system_info", read=_closed,
    source="orderly.network docs, get system maintenance status: 0 is normal, 2 maintenance", as_of="2026-12-01",
)
