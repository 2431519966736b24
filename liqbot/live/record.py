"""Recording: the live market through the house into its journal, with nothing to trade, and raw messages beside it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Final

from liqbot.blocks import Roster
from liqbot.exits import Exit, ExpectedError
from liqbot.live import credentials
from liqbot.live.bot import live_house, require_free, run_live
from liqbot.live.collector import require_collected
from liqbot.market.feeds.ports import NO_RAW_SINK, RawSink
from liqbot.observers.observer import Observer, ObserverGroup
from liqbot.observers.registry import require_known
from liqbot.runtime.inbox import Inbox
from liqbot.runtime.live_market import LiveMarket, closed
from liqbot.runtime.process import wall_ms
from liqbot.runtime.raw_recorder import DIRECTORY, RawRecorder
from liqbot.runtime.rungs import Rung, recording
from liqbot.runtime.storage import opened
from liqbot.settings import Settings
from liqbot.venues.errors import VenueError

ACCOUNT: Final = "none"


class Nowhere:
    """Where commands go that must not leave. Without an account none is made: it never counts as reconciled."""

    async def send(self, commands: object, now_ms: int) -> None:
        raise AssertionError(f"a house without an account gave {commands} at {now_ms}")


async def record(
    settings: Settings, data: Path, *, for_s: float | None, raw: bool = False, observers: Sequence[Observer] = ()
) -> Exit:
    """Until stopped or `for_s` is over. With `raw` every message of the feeds is kept below `data` too. `observers`
    look on beside those of the profile, and are guarded like them.

    ExpectedError (unreachable) when no venue answers at the start.
    """
    observing = settings.model_copy(update={"mode": "observe"})
    require_known(settings.observers.enabled)
    require_free(data)
    require_collected(observing, data)
    if raw and settings.feeds.from_journal:
        raise ExpectedError(
            "--raw: whoever follows a journal (feeds.from_journal) receives no messages; keep them where they arrive",
            Exit.USAGE,
        )
    clients = credentials.public_clients(observing)
    roster = Roster(observing.venues, observing.coins)
    try:
        try:
            await LiveMarket(clients, roster, wall_ms, observing.feeds, since_ms=None).open(observing.coins)
        except VenueError as error:
            raise credentials.one_line(error) from None
        instruments = credentials.listed(clients, observing)
        with (
            opened(data, observing, ACCOUNT, roster, instruments) as storage,
            recording(observing, Rung.OBSERVE, wall_ms) as checks,
        ):
            inbox = Inbox()
            house = live_house(
                observing, data, roster, instruments, storage, inbox, Nowhere(),
                checks=(*checks, ObserverGroup(observers).on_step),
            )
            async with _raw_sink(observing, data, roster) if raw else contextlib.nullcontext(NO_RAW_SINK) as sink:
                return await run_live(
                    house, inbox, observing, data, roster, clients, storage, account=None, for_s=for_s, raw=sink
                )
    finally:
        await closed(clients)


@contextlib.asynccontextmanager
async def _raw_sink(settings: Settings, data: Path, roster: Roster) -> AsyncIterator[RawSink]:
    """Files that an earlier process left are looked through first, in a thread."""
    params, directory = settings.record, data / DIRECTORY
    try:
        recorder = await asyncio.to_thread(
            lambda: RawRecorder(directory, roster, settings.feeds, wall_ms(), gb_max=params.raw_gb_max,
                                file_mb=params.raw_file_mb)
        )
    except OSError as error:
        raise ExpectedError(f"{directory}: raw messages cannot be kept: {error.strerror}", Exit.DATABASE) from error
    try:
        yield recorder
    finally:
        await asyncio.to_thread(recorder.close)
