"""Every venue's client asks in the venue's own way whether its sockets live, and gets the answer that it waits for."""

import asyncio

import msgspec
from read_venues import READ, read_venue

from liqbot.venues.registry import VENUES
from paper.dialects.serving import traded

PING_S = 1.5
"""A client gives a socket up after two of them without an answer."""


async def lost(venue: str) -> int:
    """How often a stream was lost in the time of four questions."""
    spec = msgspec.structs.replace(VENUES[venue], ping_s=PING_S)
    async with read_venue(venue, spec=spec) as place:
        before = place.feed.stats.reconnects
        await asyncio.sleep(4 * PING_S + 0.5)
        assert place.hub.unknown == []
        return place.feed.stats.reconnects - before


async def test_no_socket_is_given_up_while_the_venue_answers() -> None:
    venues = [venue for venue in READ if venue not in traded()]
    found = dict(zip(venues, await asyncio.gather(*(lost(venue) for venue in venues)), strict=True))
    assert not {venue: count for venue, count in found.items() if count}


