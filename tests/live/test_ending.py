"""The running bot told to end, or failing, at bad moments: no naked position is left, or it says so and which."""

import asyncio
import os
import random
import signal
from pathlib import Path

import pytest

from liqbot.blocks import EventBlock
from liqbot.commands import Purpose
from liqbot.engine import Engine, Step
from liqbot.exits import Exit, ExpectedError
from liqbot.live import bot as live_bot
from liqbot.runtime.inbox import Inbox
from liqbot.runtime.live_market import LiveMarket
from tests.builders.earlier_life import QUANTITY, entry_sent
from tests.builders.loopback_broker import VENUES_SERVED
from tests.builders.loopback_house import EXPECTANT, Place, Running, place, running
from tests.builders.patience import PATIENCE_S, patiently
from tests.builders.wrong_answers import leaves
from tests.execution.edge.test_broker import PLACE, PLACE_STOP

SEED = 11
"""Of the moments at which signals come."""
everywhere = pytest.mark.parametrize("venue", VENUES_SERVED)
pytestmark = pytest.mark.usefixtures("unhurried_end")


def interrupt(number: int = signal.SIGTERM) -> None:
    os.kill(os.getpid(), number)


async def time_goes_on(here: Place, bot: Running) -> Exit:
    """Until the bot has ended."""
    async with asyncio.timeout(PATIENCE_S):
        while not bot.task.done():
            await here.advance()
            await asyncio.sleep(0.1)
    return await bot.task


def protected(here: Place) -> bool:
    return abs(here.held_base) <= here.stopped_base


@pytest.mark.drawn(singly=True)
@everywhere
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_while_the_fate_of_an_entry_is_unknown(venue: str, number: int, tmp_path: Path) -> None:
    wait_s = random.Random(f"{SEED} {venue} {number}").uniform(0.0, 0.3)
    async with place(venue) as here:
        settings = here.settings(execution=EXPECTANT)
        entry = await entry_sent(here, settings, tmp_path)
        async with running(settings, tmp_path) as bot:
            await here.hub.execute(here.account, entry)
            here.hub.faults.next(PLACE_STOP[venue], "delay_ms", 700)
            await here.advance()
            await asyncio.sleep(wait_s)
            interrupt(number)
            if number == signal.SIGHUP:
                interrupt(number)  # of the terminal, and of the shell that it ends
            assert await time_goes_on(here, bot) == Exit.OK
        # Held under a stop, or closed where the house found a reason to.
        assert here.orders(Purpose.STOP), f"seed {SEED}"
        assert protected(here), f"seed {SEED}"
        assert not here.hub.unknown


@pytest.mark.drawn(singly=True)
@everywhere
async def test_stops_that_the_venue_refuses_end_in_a_close(venue: str, tmp_path: Path) -> None:
    async with place(venue) as here:
        settings = here.settings(execution=EXPECTANT)
        entry = await entry_sent(here, settings, tmp_path)
        async with running(settings, tmp_path) as bot:
            await here.hub.execute(here.account, entry)
            # The market has passed the stop's price by then: no stop can be placed.
            await here.advance(48_000.0)
            interrupt()
            async with asyncio.timeout(PATIENCE_S):
                while not bot.task.done():
                    await here.advance(48_000.0)
                    await asyncio.sleep(0.1)
            assert await bot.task == Exit.OK
        assert not here.held_base


@pytest.mark.drawn(singly=True)
async def test_a_second_signal_ends_at_once_and_names_what_is_naked(tmp_path: Path) -> None:
    async with place() as here:
        settings = here.settings(execution=EXPECTANT)
        entry = await entry_sent(here, settings, tmp_path)
        async with running(settings, tmp_path) as bot:
            here.hub.faults.next(PLACE_STOP["binance"], "hang_request", 60_000, times=5)
            await here.hub.execute(here.account, entry)
            await here.advance()
            await bot.position()
            interrupt()
            await asyncio.sleep(0.5)
            assert not bot.task.done(), "it waits for the stop"
            interrupt()
            with pytest.raises(ExpectedError, match=r"UNPROTECTED: long 0\.010? BTC/USDT:USDT") as ended:
                await patiently(asyncio.shield(bot.task))
        assert ended.value.exit_code == Exit.UNPROTECTED


@pytest.mark.drawn(singly=True)
async def test_nothing_is_entered_from_the_signal_on(tmp_path: Path) -> None:
    """An entry that an earlier process sent is asked about and never sent again, whatever the venue says of it."""
    async with place() as here:
        settings = here.settings()
        await entry_sent(here, settings, tmp_path)
        async with running(settings, tmp_path) as bot:
            interrupt()
            assert await time_goes_on(here, bot) == Exit.OK
        assert not here.sent(PLACE["binance"])
        assert not here.orders(Purpose.ENTRY)


# --- errors of the program --------------------------------------------------------------------------------------------


class BrokenError(Exception):
    """An error of the program."""


def only_broken(raised: BaseException) -> bool:
    return all(isinstance(one, BrokenError) for one in leaves(raised))


async def ended_of(bot: Running) -> BaseException:
    await asyncio.wait((bot.task,), timeout=PATIENCE_S)
    error = bot.task.exception()
    assert error is not None
    return error


@pytest.mark.drawn(singly=True)
async def test_a_market_that_fails_between_fill_and_stop_leaves_no_naked_position(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = asyncio.Event()

    class Breaking(LiveMarket):
        async def run(self, inbox: Inbox) -> None:
            task = asyncio.create_task(super().run(inbox))
            await broken.wait()
            task.cancel()
            raise BrokenError

    monkeypatch.setattr(live_bot, "LiveMarket", Breaking)
    async with place() as here:
        settings = here.settings(execution=EXPECTANT)
        entry = await entry_sent(here, settings, tmp_path)
        async with running(settings, tmp_path) as bot:
            await here.hub.execute(here.account, entry)
            here.hub.faults.next(PLACE_STOP["binance"], "delay_ms", 500)
            await here.advance()
            broken.set()
            assert only_broken(await ended_of(bot))
        assert here.held_base == QUANTITY
        assert protected(here)


@pytest.mark.drawn(singly=True)
@everywhere
async def test_a_loop_that_fails_before_it_heard_of_the_fill_leaves_no_naked_position(
    venue: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = asyncio.Event()

    def breaking(seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        if broken.is_set():
            raise BrokenError(seq)

    monkeypatch.setattr(live_bot, "beat", breaking)
    async with place(venue) as here:
        settings = here.settings(execution=EXPECTANT)
        entry = await entry_sent(here, settings, tmp_path)
        async with running(settings, tmp_path) as bot:
            broken.set()
            await here.hub.execute(here.account, entry)
            await here.advance()
            assert only_broken(await ended_of(bot))
        assert here.held_base == QUANTITY
        assert protected(here)
