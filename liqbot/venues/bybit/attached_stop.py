"""Bybit: the stop that rides on an entry. The venue takes no id of ours for it; it names the entry as its parent.

In whole-position mode there is one such stop per position. That of the latest filled order replaces it, so a stop that
somebody else's order brings along displaces ours: then no stop of ours is found, and a separate one is placed.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final

from liqbot.venues.entry_stops import attached_id, entry_of
from liqbot.venues.trading import Call, VenueCaller, price_or_none

_STOPS: Final = {"orderFilter": "StopOrder", "limit": 50}


def entry_params(stop_price: Decimal) -> dict[str, Any]:
    """Fields of the order itself. The unified client's own `stopLoss` object would say neither mark nor mode; a plain
    number it passes on."""
    return {"stopLoss": float(stop_price), "slTriggerBy": "MarkPrice", "tpslMode": "Full"}


def cancelling(named: Mapping[str, Any]) -> Call:
    """Of the position `named`; it touches no order of its own kind."""
    query = {**named, "tpslMode": "Full", "stopLoss": "0", "positionIdx": 0}
    return Call("privatePostV5PositionTradingStop", (query,))


def client_id_of(row: Mapping[str, Any]) -> str:
    """Our name for an order row; empty when it bears none."""
    link_id, parent = str(row.get("orderLinkId") or ""), str(row.get("parentOrderLinkId") or "")
    if link_id or row.get("stopOrderType") != "StopLoss" or not parent:
        return link_id
    stop_id = attached_id(parent)
    return stop_id if entry_of(stop_id) == parent else ""


def guards_position(row: Mapping[str, Any]) -> bool:
    """A stop of the whole position: its quantity is whatever is held."""
    return row.get("stopOrderType") == "StopLoss" and row.get("tpslMode") == "Full"


async def find(client: VenueCaller, named: Mapping[str, Any], stop_id: str) -> dict[str, Any] | None:
    """The row of the stop of this name, resting or ended; None when there is none (yet).

    By its parent, else, where the venue names none, by what it is: the position's own stop, at the price that its
    entry asked for.
    """
    nameless: list[dict[str, Any]] = []
    for method in ("privateGetV5OrderRealtime", "privateGetV5OrderHistory"):
        rows: Sequence[dict[str, Any]] = (await client.call(method, {**named, **_STOPS}))["result"]["list"]
        for row in rows:
            if client_id_of(row) == stop_id:
                return row
        if method.endswith("Realtime"):
            nameless = [row for row in rows if _unparented(row)]
    return await _by_price(client, named, stop_id, nameless) if nameless else None


async def _by_price(
    client: VenueCaller, named: Mapping[str, Any], stop_id: str, nameless: Sequence[dict[str, Any]]
) -> dict[str, Any] | None:
    query = {**named, "orderLinkId": entry_of(stop_id)}
    entries = (await client.call("privateGetV5OrderRealtime", query))["result"]["list"]
    wanted = price_or_none(entries[0].get("stopLoss")) if entries else None
    if wanted is None:
        return None
    return next((row for row in nameless if price_or_none(row.get("triggerPrice")) == wanted), None)


def _unparented(row: Mapping[str, Any]) -> bool:
    return guards_position(row) and not row.get("orderLinkId") and not row.get("parentOrderLinkId")
