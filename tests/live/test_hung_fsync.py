"""A disk that never answers below SQLite, under a real process: the position gets its stop and can be closed."""

import asyncio
import signal
from pathlib import Path

import pytest

from liqbot.control import protocol
from tests.builders.earlier_life import QUANTITY, entry_sent
from tests.builders.loopback_house import place
from tests.builders.real_bot import real_bot
from tests.builders.slow_fsync import slow_fsync


@pytest.mark.drawn(singly=True, dear=True)
async def test_neither_stop_nor_exit_waits_for_a_sync_that_does_not_return(tmp_path: Path) -> None:
    environment, marker = slow_fsync(tmp_path)
    data = tmp_path / "data"
    async with place() as here, real_bot(here, tmp_path, data) as bot:
        # The journal does not give up by itself (a start over a trade takes its settings from the books): what leaves
        # does so because protection waits no longer than a second.
        settings = here.settings(journal={"stuck_after_ms": 600_000}, execution={"unknown_ms": 60_000})
        entry = await entry_sent(here, settings, data)
        bot.environment = environment
        bot.start()
        assert (await bot.status())["account_read"] is not None
        marker.touch()
        here.catch_up()
        await here.hub.execute(here.account, entry)
        await here.advance()
        assert here.held_base == QUANTITY
        await bot.until(lambda: here.stopped_base >= QUANTITY, "a stop")
        assert marker.exists(), "all of that while the disk hung"
        closing = asyncio.create_task(asyncio.to_thread(protocol.request, data, {"verb": "close", "wait_s": 60}))

        async def flat() -> None:
            while here.held_base:
                await here.advance()
                await asyncio.sleep(0.05)

        moving = asyncio.create_task(flat())
        await bot.until(lambda: not here.held_base, "flat")
        assert marker.exists()
        marker.unlink()
        await asyncio.gather(moving, closing, return_exceptions=True)
        bot.signal(signal.SIGTERM)
        assert await asyncio.to_thread(bot.process.wait, 60) == 0, bot.log[-2_000:]
