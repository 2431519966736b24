"""Recording: the live market through the house into its journal, with nothing to trade."""

from pathlib import Path
from typing import Final

from liqbot.blocks import Roster
from liqbot.exits import Exit
from liqbot.live import credentials
from liqbot.live.bot import live_house, require_free, run_live
from liqbot.observers.registry import require_known
from liqbot.runtime.inbox import Inbox
from liqbot.runtime.live_market import LiveMarket, closed
from liqbot.runtime.process import wall_ms
from liqbot.runtime.rungs import Rung, recording
from liqbot.runtime.storage import opened
from liqbot.settings import Settings
from liqbot.venues.errors import VenueError

ACCOUNT: Final = "none"


class Nowhere:
    """Where commands go that must not leave. Without an account none is made: it never counts as reconciled."""

    async def send(self, commands: object, now_ms: int) -> None:
        raise AssertionError(f"a house without an account gave {commands} at {now_ms}")


async def record(settings: Settings, data: Path, *, for_s: float | None) -> Exit:
    """Until stopped or `for_s` is over. ExpectedError (unreachable) when no venue answers at the start."""
    observing = settings.model_copy(update={"mode": "observe"})
    require_known(settings.observers.enabled)
    require_free(data)
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
            house = live_house(observing, data, roster, instruments, storage, inbox, Nowhere(), checks=checks)
            return await run_live(house, inbox, observing, data, roster, clients, storage, account=None, for_s=for_s)
    finally:
        await closed(clients)
