"""Stops that ride on an entry: how a venue takes them, and how they are named.

Such a stop shares the sequence of its entry and differs by its first letter. So whoever meets one of the two ids knows
the other: after a restart, from the journal alone, and on a venue that takes no id of ours for the stop.
"""

from typing import Final, Literal

import msgspec

from liqbot.commands import OrderKind, PlaceOrder, Purpose

ATTACHED_LETTER: Final = "a"
ENTRY_LETTER: Final = "e"
_ID_LENGTH: Final = 15


class AttachedStop(msgspec.Struct, frozen=True, kw_only=True):
    """What documentation says of a stop that is sent as a part of its entry."""

    scope: Literal["position", "order"]
    """It guards the whole position, or what this one order has filled."""
    own_id: bool
    """The venue takes a client id of ours for it; else it is found by its entry."""
    covers_partial_fills: bool
    """It guards what has filled while the rest of the entry still rests: only then may an entry rest."""
    outlives_position: bool
    """It stays when the position is closed otherwise, and is not documented as reduce-only: it bridges the first
    instant, until a stop of its own kind is confirmed."""


class EntryProtection(msgspec.Struct, frozen=True, kw_only=True):
    """How a position is guarded from its first fill. `attached` is None where no stop can ride on the entry."""

    attached: AttachedStop | None
    naked: str
    """What stays without a stop when the process dies at the fill."""
    source: str
    """Document and its date. What it says counts as documented until an account's first such stop was read back."""
    lost_stop_ms: int = 3_000
    """After this long it is certain that the request of a separate stop, whose answer was lost, was lost too."""


def may_rest(rides: AttachedStop | None) -> bool:
    """Whether an entry may rest at its price: what rests can fill in part while nobody watches."""
    return rides is not None and rides.covers_partial_fills


def attached_id(entry_id: str) -> str:
    """Name of the stop that rides on the entry of this name."""
    return ATTACHED_LETTER + entry_id[1:]


def entry_of(stop_id: str) -> str | None:
    """Name of the entry that a stop rides on; None for any other order."""
    if len(stop_id) != _ID_LENGTH or not stop_id.startswith(ATTACHED_LETTER):
        return None
    return ENTRY_LETTER + stop_id[1:]


def attached_order(entry: PlaceOrder) -> PlaceOrder:
    """The stop that rides on `entry`, as an order over all of it. ValueError for an entry that carries none."""
    if entry.stop_price is None or not entry.stop_client_id:
        raise ValueError(f"{entry.client_id} carries no stop")
    return PlaceOrder(
        client_id=entry.stop_client_id,
        venue=entry.venue,
        coin=entry.coin,
        decision_id=entry.decision_id,
        purpose=Purpose.STOP,
        kind=OrderKind.STOP_MARKET,
        side=entry.side,
        quantity_base=entry.quantity_base,
        reduce_only=True,
        trigger_price=entry.stop_price,
        account=entry.account,
    )
