"""A paper session on the live market: real venues' public feeds, fills by the simulated exchange in process."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final

from liqbot.blocks import Roster
from liqbot.control.commands import ControlHandler
from liqbot.engine import Engine
from liqbot.live import credentials
from liqbot.runtime.inbox import Inbox
from liqbot.runtime.live_market import LiveMarket, closed
from liqbot.runtime.process import stop_on_signals, wall_ms
from liqbot.settings import Settings
from liqbot.venues.errors import VenueError
from paper.sessions.session import SessionMarket, fresh_books, house_on, keep_snapshot
from paper.sessions.sim_loop import Observer, SimLoop

SNAPSHOT_EVERY_MS: Final = 3_600_000


class LiveSession:
    """`begun` is called once the venues have been reached and the house stands."""

    def __init__(
        self, settings: Settings, data: Path, observers: Sequence[Observer], begun: Callable[[Engine], None], *,
        for_s: float | None,
    ) -> None:
        self._settings, self._data, self._observers, self._begun = settings, data, tuple(observers), begun
        self._for_s = for_s

    async def run(self) -> Engine:
        """Until stopped or the time is up. ExpectedError (unreachable) when no venue answers at the start."""
        clients = credentials.public_clients(self._settings)
        roster = Roster(self._settings.venues, self._settings.coins)
        now_ms = wall_ms()
        since_ms = now_ms - int(self._settings.network.backfill_h * 3_600_000)
        market = LiveMarket(clients, roster, wall_ms, self._settings.feeds, since_ms=since_ms)
        try:
            try:
                await market.open(self._settings.coins)
            except VenueError as error:
                raise credentials.one_line(error) from None
            listed = credentials.listed(clients, self._settings)
            chosen = SessionMarket(roster, listed, (), (), now_ms, now_ms)
            with fresh_books(self._data, self._settings, roster) as (journal, ledger):
                house = house_on(chosen, self._settings, journal, (*self._observers, ledger.observer("paper")))
                self._begun(house.engine)
                await self._trade(house, market)
                keep_snapshot(house.engine, journal)
                return house.engine
        finally:
            await closed(clients)

    async def _trade(self, house: SimLoop, market: LiveMarket) -> None:
        inbox, stop = Inbox(), asyncio.Event()
        stop_on_signals(stop)
        hand = ControlHandler(self._data, self._settings, house.engine, wall_ms, stop, lambda: _more(market))
        async with asyncio.TaskGroup() as group:
            feeds = [group.create_task(market.run(inbox)), group.create_task(hand.run(inbox))]
            group.create_task(_consume(house, inbox))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), self._for_s)
            for feed in feeds:
                feed.cancel()
            inbox.close()


async def _consume(house: SimLoop, inbox: Inbox) -> None:
    while (block := await inbox.take()) is not None:
        house.step(block)


def _more(market: LiveMarket) -> dict[str, Any]:
    counts = ("messages", "trades", "facts", "malformed", "reconnects")
    return {
        "journal_trouble": None,
        "feeds": {venue: {name: getattr(feed.stats, name) for name in counts} for venue, feed in market.feeds.items()},
    }
