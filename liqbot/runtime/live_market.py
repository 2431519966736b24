"""The market of a live house: venues opened, the past read where the books do not reach, then feeds and Ticks."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final

import structlog

from liqbot.blocks import Roster
from liqbot.connection.client import VenueClient
from liqbot.engine import Engine
from liqbot.events import MarketEvent
from liqbot.market.feeds.backfill import backfilled_blocks, past_of
from liqbot.market.feeds.clock import TickClock
from liqbot.market.feeds.feed import VenueFeed
from liqbot.market.feeds.feed_stats import FeedStats
from liqbot.market.feeds.params import FeedParams
from liqbot.runtime.inbox import Inbox
from liqbot.runtime.pump import Feed
from liqbot.settings import Settings
from liqbot.venues.errors import VenueError
from liqbot.venues.registry import wire_of
from liqbot.venues.streams import VenueWire

BACKFILL_S_MAX: Final = 120.0
GAP_MS_MIN: Final = 300_000
"""A shorter gap in the books is not read again."""
STEPS_AHEAD: Final = 20
_log = structlog.get_logger(__name__)


def history_from_ms(settings: Settings, engine: Engine, recovered_ms: int, now_ms: int) -> int | None:
    """From where history is missing; None when it is not wanted, or when a position is waiting for its Ticks.
    `recovered_ms` is the time of the journal's newest record, 0 for a new one."""
    hours = settings.network.backfill_h
    if not hours or engine.account.positions:
        return None
    return max(recovered_ms, now_ms - int(hours * 3_600_000))


class LiveMarket:
    """A feed of the runtime. `clients` are used, not closed."""

    def __init__(
        self, clients: Mapping[str, VenueClient], roster: Roster, clock: Callable[[], int], params: FeedParams, *,
        since_ms: int | None, after: Callable[[], Awaitable[bool]] | None = None, ticker: Feed | None = None,
        wire: Callable[[str], VenueWire] = wire_of,
    ) -> None:
        """History is read from `since_ms` on (None: not at all). Nothing begins before `after` has said True."""
        self._clients, self._roster, self._clock, self._params = dict(clients), roster, clock, params
        self._since_ms, self._after = since_ms, after
        self.admitted = asyncio.Event()
        """Set once it may begin, or never will."""
        self.feeds = {
            venue: VenueFeed(client, wire(venue), roster, clock, params) for venue, client in clients.items()
        }
        self.ticker = ticker or TickClock(clock)

    def stats(self) -> dict[str, FeedStats]:
        """What each venue's feed has counted, by venue."""
        return {venue: feed.stats for venue, feed in self.feeds.items()}

    async def open(self, coins: Sequence[str]) -> None:
        """The first venue's error when none at all can be reached; those that can be will be used."""
        answers = await asyncio.gather(
            *(client.open(coins) for client in self._clients.values()), return_exceptions=True
        )
        failures = [answer for answer in answers if isinstance(answer, BaseException)]
        for failure in failures:
            if not isinstance(failure, VenueError):
                raise failure
        if len(failures) == len(answers):
            raise failures[0]
        for failure in failures:
            _log.warning("venue not reached", reason=str(failure))

    async def run(self, inbox: Inbox) -> None:
        if self._after is not None and not await self._after():
            self.admitted.set()
            return
        self.admitted.set()
        if self._since_ms is not None and self._clock() - self._since_ms >= GAP_MS_MIN:
            await self._past(inbox, self._since_ms)
        async with asyncio.TaskGroup() as group:
            group.create_task(self.ticker.run(inbox))
            for feed in self.feeds.values():
                group.create_task(feed.run(inbox))

    async def _past(self, inbox: Inbox, since_ms: int) -> None:
        until_ms = self._clock()
        reached = {venue: client for venue, client in self._clients.items() if client.opened}
        readings = [past_of(client, wire_of(venue), self._roster, since_ms, until_ms)
                    for venue, client in reached.items()]  # fmt: skip
        try:
            pasts = await asyncio.wait_for(asyncio.gather(*readings), BACKFILL_S_MAX)
        except TimeoutError:
            _log.warning("history not read in time: the map begins cold", waited_s=BACKFILL_S_MAX)
            return
        facts: list[MarketEvent] = [fact for past in pasts for fact in past.facts]
        steps = 0
        for block in backfilled_blocks(facts, self._roster):
            while inbox.steps_waiting > STEPS_AHEAD:  # noqa: ASYNC110 -- the house takes a step every few ms
                await asyncio.sleep(0.005)
            inbox.put(block)
            steps += 1
        _log.info("history read", venues=",".join(reached), facts=len(facts), steps=steps)


async def closed(clients: Mapping[str, VenueClient]) -> None:
    """Close all of them."""
    await asyncio.gather(*(client.close() for client in clients.values()))
