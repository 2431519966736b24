"""What Deribit says of locks of its platform."""

from typing import Any, Final

import msgspec

from liqbot.venues.answers import answer, as_it_is
from liqbot.venues.market_states import MarketState, VenueStatus

_METHOD: Final = "publicGetStatus"


class _Locks(msgspec.Struct):
    locked: str | bool
    """`true`, `partial` or `false`; the page's own example has it as a boolean."""
    locked_indices: list[str] = []
    locked_currencies: list[str] = []
    """What the list is called in that example."""


class _Answer(msgspec.Struct):
    result: _Locks


def _closed(payload: Any, coin: str) -> str:
    locks = answer("deribit", _METHOD, payload, _Answer, as_it_is).result
    said = str(locks.locked).lower()
    named = [one for one in (*locks.locked_indices, *locks.locked_currencies) if _is_of(one, coin)]
    if said == "false" or (said == "partial" and not named):
        return ""
    return f"the platform is locked ({said})"


def _is_of(index: str, coin: str) -> bool:
    """`btc_usd`, `btc_usdc` or `BTC`."""
    return index.lower().partition("_")[0] == coin.lower()


STATUS: Final = VenueStatus(
    method=_METHOD, endpoint="GET /public/status", read=_closed,
    source="docs.deribit.com api-reference/supporting/public-status: locked, locked_indices", as_of="2026-12-01",
)
STATES: Final = (
    MarketState(
        field="is_active", open=("true",), source="docs.deribit.com public/get_instruments: is_active",
        as_of="2026-11-30",
    ),
)
