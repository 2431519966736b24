"""Bybit: the stop that rides on an entry. The venue takes no id of ours for it; it names the entry as its parent.

In whole-position mode there is one such stop per position. That of the latest filled order replaces it, so a stop that
somebody else's order brings along displaces ours: then no stop of ours is found, and a separate one is placed.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from liqbot.venues.entry_stops import attached_id, entry_of
from liqbot.venues.trading import Call

STOPS: Final = {"orderFilter": "StopOrder", "limit": 50}
"""Of a query for conditional orders alone."""


def entry_params(stop_price: Decimal) -> dict[str, Any]:
    """Fields of the order itself. The unified client's own `stopLoss` object would say neither mark nor mode; a plain
    number it passes on."""
    return {"stopLoss": float(stop_price), "slTriggerBy": "MarkPrice", "tpslMode": "Full"}


def cancelling(named: Mapping[str, Any]) -> Call:
    """Of the position `named`; it touches no order of its own kind."""
    query = {**named, "tpslMode": "Full", "stopLoss": "0", "positionIdx": 0}
    return Call("privatePostV5PositionTradingStop", (query,))


def our_name(link_id: str | None, parent: str | None, stop_kind: str | None) -> str:
    """For an order of these `orderLinkId`, `parentOrderLinkId` and `stopOrderType`; empty when it bears none."""
    if link_id or stop_kind != "StopLoss" or not parent:
        return link_id or ""
    stop_id = attached_id(parent)
    return stop_id if entry_of(stop_id) == parent else ""


def of_position(stop_kind: str | None, mode: str | None) -> bool:
    """A stop of the whole position: its quantity is whatever is held."""
    return stop_kind == "StopLoss" and mode == "Full"


def at_price(nameless: Sequence[Any], wanted: Decimal | None) -> Any | None:
    """Where the venue names no parent: the position's own stop that triggers where its entry set it."""
    return next((one for one in nameless if wanted and one.trigger_price == wanted), None)
