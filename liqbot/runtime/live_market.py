"""The market of a live house: venues opened, the past read where the books do not reach, then feeds and Ticks."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec
import structlog

from liqbot import places
from liqbot.blocks import Roster
from liqbot.connection.client import VenueClient
from liqbot.engine import Engine
from liqbot.events import MarketEvent
from liqbot.journal.tail import bookmark_of
from liqbot.market.feeds.backfill import Past, backfilled_blocks, past_of
from liqbot.market.feeds.clock import TickClock
from liqbot.market.feeds.feed import VenueFeed
from liqbot.market.feeds.listing_memory import NO_MEMORY, ListingMemory
from liqbot.market.feeds.params import FeedParams
from liqbot.market.feeds.ports import NO_RAW_SINK, RawSink
from liqbot.market.feeds.report_feed import ReportFeed
from liqbot.runtime.followed_feed import HELD_BACK_MS, FollowedFeed
from liqbot.runtime.inbox import Inbox
from liqbot.runtime.journal_tailer import JournalTailer
from liqbot.runtime.process import short_collections
from liqbot.runtime.pump import Feed
from liqbot.settings import Settings
from liqbot.venues.errors import VenueError
from liqbot.venues.registry import VENUES, wire_of
from liqbot.venues.streams import VenueWire

BACKFILL_S_MAX: Final = 120.0
GAP_MS_MIN: Final = 300_000
"""A shorter gap in the books is not read again."""
STEPS_AHEAD: Final = 20
HELD_S: Final = 0.25
"""How often it is looked whether a position has appeared while history is read."""
AT_ONCE: Final = 6
"""Venues that are opened, and whose feeds begin, at one time: thirty of them in one second hold up the loop. First
come those that can be traded on."""
STAGGER_S: Final = 0.25
"""Between the beginnings of those after them."""
ROOM_AGAIN_S: Final = 2.0
"""The inbox has room again when it has folded nothing for this long."""
_log = structlog.get_logger(__name__)


def history_from_ms(settings: Settings, engine: Engine, recovered_ms: int, now_ms: int) -> int | None:
    """From where history is missing; None when it is not wanted, or when a position is waiting for its Ticks.
    `recovered_ms` is the time of the journal's newest record, 0 for a new one."""
    hours = settings.network.backfill_h
    if not hours or engine.account.positions:
        return None
    return max(recovered_ms, now_ms - int(hours * 3_600_000))


def followed_feed(
    settings: Settings, roster: Roster, clock: Callable[[], int], engine: Engine, own: Path, recovered_ms: int
) -> FollowedFeed | None:
    """For a house whose market facts come from another one's journal; None for one that reads its venues itself. `own`
    is its journal, which says how far that was taken over before; `recovered_ms` as `history_from_ms` has it."""
    path = places.followed_journal(settings.feeds.from_journal)
    if path is None:
        return None
    bookmark = bookmark_of(own)
    past_ms = int(settings.network.backfill_h * 3_600_000) or (HELD_BACK_MS if bookmark is not None else 0)
    if engine.account.positions:
        past_ms = min(past_ms, HELD_BACK_MS)
    since_ms = clock() - past_ms
    return FollowedFeed(
        JournalTailer(path, bookmark, since_ms if bookmark is not None else max(since_ms, recovered_ms)), roster, clock,
        held=lambda: bool(engine.account.positions), without=frozenset(settings.feeds.reports),
    )


class LiveMarket:
    """A feed of the runtime. `clients` are used, not closed."""

    def __init__(
        self, clients: Mapping[str, VenueClient], roster: Roster, clock: Callable[[], int], params: FeedParams, *,
        since_ms: int | None, after: Callable[[], Awaitable[bool]] | None = None, ticker: Feed | None = None,
        wire: Callable[[str], VenueWire] = wire_of, held: Callable[[], bool] = lambda: False,
        raw: RawSink = NO_RAW_SINK, followed: FollowedFeed | None = None, memory: ListingMemory = NO_MEMORY,
    ) -> None:
        """Market facts and Ticks are those of `followed`, if there is one: then no feed of a venue is dialled.

        History is read from `since_ms` on (None: not at all), and given up once something is `held`: a position
        waits for its Ticks. Nothing begins before `after` has said True."""
        self._clients, self._roster, self._clock, self._params = dict(clients), roster, clock, params
        self._since_ms, self._after, self._held = since_ms, after, held
        self.admitted = asyncio.Event()
        """Set once it may begin, or never will."""
        self.feeds = {
            venue: VenueFeed(client, wire(venue), roster, clock, params, raw, memory)
            for venue, client in clients.items() if followed is None
        }
        self._followed = followed
        self._reports = {
            venue: ReportFeed(VENUES[venue], Path(file), roster, clock, params.report_min * 60.0, self._price_of)
            for venue, file in params.reports.items() if venue in roster.venues
        }
        self.ticker = ticker or followed or TickClock(clock, raw=raw)

    def _price_of(self, coin: str) -> float | None:
        """Of the first venue that knows one."""
        feeds = self.feeds.values() if self._followed is None else (self._followed,)
        known = (feed.mark_price(coin) for feed in feeds)
        return next((price for price in known if price is not None), None)

    def stats(self) -> dict[str, msgspec.Struct]:
        """What each feed has counted, by venue; `collector` where another process reads them."""
        counts: dict[str, msgspec.Struct] = {
            venue: feed.stats for venue, feed in (self.feeds | self._reports).items()
        }
        return counts if self._followed is None else counts | {"collector": self._followed.stats}

    async def open(self, coins: Sequence[str]) -> None:
        """The first venue's error when none at all can be reached; those that can be will be used."""
        room = asyncio.Semaphore(AT_ONCE)

        async def opened(client: VenueClient) -> None:
            async with room:
                await client.open(coins)

        answers = await asyncio.gather(
            *(opened(self._clients[venue]) for venue in _traded_first(self._clients)), return_exceptions=True
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
        if self._followed is None and self._since_ms is not None and self._clock() - self._since_ms >= GAP_MS_MIN:
            await self._past(inbox, self._since_ms)
        async with short_collections(), asyncio.TaskGroup() as group:
            group.create_task(self.ticker.run(inbox))
            group.create_task(self._resync_after_overflow(inbox))
            for number, venue in enumerate(_traded_first(self.feeds)):
                group.create_task(_begin(max(0, number + 1 - AT_ONCE) * STAGGER_S, self.feeds[venue], inbox))
            for report in self._reports.values():
                group.create_task(report.run(inbox))

    async def _resync_after_overflow(self, inbox: Inbox) -> None:
        """Rows that the inbox had no room for were folded into others: once it has room again, the present
        figures are requested from the venues."""
        merged = reported = 0
        while True:
            await asyncio.sleep(ROOM_AGAIN_S)
            before, merged = merged, inbox.merged_rows
            if reported < merged == before:
                _log.warning("the house was behind: rows were folded into others", rows=merged - reported)
                reported = merged
                for feed in self.feeds.values():
                    feed.resync()

    async def _past(self, inbox: Inbox, since_ms: int) -> None:
        until_ms = self._clock()
        reached = {venue: client for venue, client in self._clients.items() if client.opened}
        readings = [past_of(client, wire_of(venue), self._roster, since_ms, until_ms)
                    for venue, client in reached.items()]  # fmt: skip
        pasts = await self._read(asyncio.gather(*readings))
        if pasts is None:
            return
        facts: list[MarketEvent] = [fact for past in pasts for fact in past.facts]
        steps = 0
        for block in backfilled_blocks(facts, self._roster):
            if self._held():
                _log.warning("history cut short: a position waits for its Ticks", steps=steps)
                return
            while inbox.steps_waiting > STEPS_AHEAD:  # noqa: ASYNC110 -- the house takes a step every few ms
                await asyncio.sleep(0.005)
            inbox.put(block)
            steps += 1
        _log.info("history read", venues=",".join(reached), facts=len(facts), steps=steps)


    async def _read(self, reading: "asyncio.Future[list[Past]]") -> list[Past] | None:
        """None when it takes too long, or when there is no time for it any more."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + BACKFILL_S_MAX
        while not reading.done() and loop.time() < until_s and not self._held():
            await asyncio.wait((reading,), timeout=HELD_S)
        if reading.done():
            return reading.result()
        reading.cancel()
        why = "a position waits for its Ticks" if self._held() else f"not read within {BACKFILL_S_MAX:g} s"
        _log.warning("no history: the map begins cold", reason=why)
        return None


def _traded_first(venues: Iterable[str]) -> list[str]:
    """In their order otherwise."""
    return sorted(venues, key=lambda venue: venue not in VENUES or VENUES[venue].trading is None)


async def _begin(pause_s: float, feed: VenueFeed, inbox: Inbox) -> None:
    if pause_s:
        await asyncio.sleep(pause_s)
    await feed.run(inbox)


async def closed(clients: Mapping[str, VenueClient]) -> None:
    """Close all of them."""
    await asyncio.gather(*(client.close() for client in clients.values()))
