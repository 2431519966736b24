"""Every venue's client asks in the venue's own way whether its sockets live, and gets the answer that it waits for."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import msgspec
import pytest
from read_venues import READ, ReadVenue, read_venue

from liqbot.venues.registry import VENUES
from paper.dialects.serving import traded

TRIES = 20
PING_S = 1.5
"""A client gives a socket up after two of them without an answer."""


WATCHED_S = 4 * PING_S + 0.5


@contextlib.asynccontextmanager
async def listening(venue: str) -> AsyncIterator[ReadVenue]:
    async with read_venue(venue, spec=msgspec.structs.replace(VENUES[venue], ping_s=PING_S)) as place:
        yield place


async def stood_still_s() -> float:
    """The longest time for which nothing went on here while four questions were asked."""
    loop, longest_s = asyncio.get_running_loop(), 0.0
    began_s = seen_s = loop.time()
    while seen_s < began_s + WATCHED_S:
        await asyncio.sleep(0.05)
        longest_s, seen_s = max(longest_s, loop.time() - seen_s), loop.time()
    return longest_s


@pytest.mark.drawn
async def test_no_socket_is_given_up_while_the_venue_answers() -> None:
    venues = [venue for venue in READ if venue not in traded()]
    async with contextlib.AsyncExitStack() as open_:
        places = {venue: await open_.enter_async_context(listening(venue)) for venue in venues}
        for _ in range(TRIES):
            before = {venue: place.feed.stats.reconnects for venue, place in places.items()}
            if await stood_still_s() < PING_S:  # else neither side answered, and that proves nothing
                break
        lost = {venue: place.feed.stats.reconnects - before[venue] for venue, place in places.items()}
        assert not {venue: count for venue, count in lost.items() if count}
        assert not [what for place in places.values() for what in place.hub.unknown]


