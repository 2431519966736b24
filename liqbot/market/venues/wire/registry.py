"""Every venue whose wire is known."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from liqbot.market.venues.wire.binance.table import WIRE as BINANCE
from liqbot.market.venues.wire.bybit.table import WIRE as BYBIT
from liqbot.market.venues.wire.okx.table import WIRE as OKX
from liqbot.market.venues.wire.table import VenueWire

WIRES: Final[Mapping[str, VenueWire]] = MappingProxyType({wire.venue: wire for wire in (BINANCE, BYBIT, OKX)})


def wire_of(venue: str) -> VenueWire:
    """ValueError for a venue without a wire, naming those that have one."""
    wire = WIRES.get(venue)
    if wire is None:
        raise ValueError(f"venue: live data of {venue!r} cannot be read; known are {', '.join(WIRES)}")
    return wire


def wired(venues: Sequence[str]) -> tuple[str, ...]:
    """Those of the venues that can be read live, in the same order."""
    return tuple(venue for venue in venues if venue in WIRES)
