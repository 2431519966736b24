"""A session over a market that is not live (the simulated world, a tape), paced by the wall clock."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Protocol

from liqbot.blocks import EventBlock
from liqbot.engine import Engine
from liqbot.journal import Journal
from liqbot.observers.observer import Observer
from liqbot.runtime.inbox import Inbox
from liqbot.runtime.process import beat
from liqbot.runtime.running import RunningHouse
from liqbot.settings import Settings
from paper.sessions.session import FreshStorage, SessionMarket, paper_house
from paper.sessions.sim_loop import SimLoop


class Progress(Protocol):
    """Whoever watches the history go by."""

    def history(self, block: EventBlock, engine: Engine) -> None: ...

    def warm(self, engine: Engine) -> None:
        """History has ended."""


class Pace:
    """Wall clock against event time: `speed` market seconds in a second; 0 means as fast as it goes."""

    def __init__(self, speed: float, for_s: float | None) -> None:
        self._speed, self._for_s = speed, for_s
        self._started_s = time.monotonic()
        self._first_ms: int | None = None

    async def wait(self, tick_ms: int) -> bool:
        """Sleeps until this tick is due; False when the session's time is up."""
        now_s = time.monotonic()
        if self._first_ms is None:
            self._first_ms, self._started_s = tick_ms, now_s
        elapsed_s = now_s - self._started_s
        if self._for_s is not None and elapsed_s >= self._for_s:
            return False
        if self._speed > 0:
            ahead_s = (tick_ms - self._first_ms) / 1000 / self._speed - elapsed_s
            if ahead_s > 0:
                await asyncio.sleep(min(ahead_s, self._for_s - elapsed_s) if self._for_s is not None else ahead_s)
        return True


class PacedMarket:
    """A source: steps the house itself, block by block, and lets commands in between two of them."""

    def __init__(self, sim: SimLoop, journal: Journal, market: SessionMarket, pace: Pace, progress: Progress) -> None:
        self._sim, self._journal, self._market, self._pace = sim, journal, market, pace
        self._progress = progress
        self._may_begin: Callable[[], Awaitable[bool]] | None = None
        self.now_ms = market.start_ms
        """Market time."""

    def begin_after(self, may_begin: Callable[[], Awaitable[bool]]) -> None:
        """Nothing is given before this has answered True."""
        self._may_begin = may_begin

    async def run(self, inbox: Inbox) -> None:
        del inbox  # an inbox may merge what waits in it; a market that can wait loses nothing
        if self._may_begin is not None and not await self._may_begin():
            return
        for block in self._market.history:
            await self._step(block)
            self._progress.history(block, self._sim.engine)
        self._progress.warm(self._sim.engine)
        for block in self._market.live:
            if block.tick_ms is not None and not await self._pace.wait(block.tick_ms):
                return
            await self._step(block)

    async def _step(self, block: EventBlock) -> None:
        """JournalStuckError when the journal cannot be written: a session without its record is of no use."""
        if self._journal.trouble is not None:
            raise self._journal.trouble
        self._sim.step(block)
        self.now_ms = max(self.now_ms, block.tick_ms or 0)
        await asyncio.sleep(0)


def run_paced(
    market: SessionMarket, settings: Settings, data: Path, storage: FreshStorage, console: Observer | None,
    progress: Progress, *, speed: float, for_s: float | None,
) -> RunningHouse:
    """Until the market or the time is over, or somebody stops it. `for_s` counts from the end of the history."""
    inbox = Inbox()
    house = paper_house(market, settings, data, storage, console, inbox, checks=(beat,))
    source = PacedMarket(house.loop.sim, storage.journal, market, Pace(speed, for_s), progress)
    running = RunningHouse(house, inbox, settings, data, lambda: source.now_ms, journal=storage.journal)
    source.begin_after(running.may_begin)
    asyncio.run(running.run(source))
    return running
