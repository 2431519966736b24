"""A bot that stood still for longer than a position may go without a stop: it looks before it judges."""

import asyncio
import signal
from pathlib import Path

import pytest

from liqbot.commands import Purpose
from tests.builders.earlier_life import QUANTITY, entry_sent
from tests.builders.loopback_house import place
from tests.builders.real_bot import real_bot

UNPROTECTED_S = 5
ASLEEP_S = UNPROTECTED_S + 2.0
"""Longer than a position without a confirmed stop is left open, and shorter than a request is waited for (10 s): what
was asked before is answered after, and need not be asked again of a venue that is slow to answer."""
LOOKED_S = 2.0
LIMITS = {"unprotected_ms_max": UNPROTECTED_S * 1_000}


@pytest.mark.drawn(singly=True, dear=True)
async def test_a_position_whose_stop_rests_survives_a_suspended_process(tmp_path: Path) -> None:
    async with place() as here:
        entry = await entry_sent(here, here.settings(execution=LIMITS), tmp_path / "data")
        await here.hub.execute(here.account, entry)
        await here.advance()
        # Whether the stop rests is not answered before it is awake again, so all that it knows then is old.
        here.hub.faults.next("GET /fapi/v1/algoOrder", "delay_ms", int((ASLEEP_S + LOOKED_S) * 1_000), times=3)
        async with real_bot(here, tmp_path, tmp_path / "data", LIMITS) as bot:
            bot.start()
            await bot.until(lambda: bool(here.orders(Purpose.STOP)), "a stop")
            # It has arrived, and nothing has been heard of it.
            bot.signal(signal.SIGSTOP)
            await asyncio.sleep(ASLEEP_S)
            bot.signal(signal.SIGCONT)
            await bot.until(lambda: "read again first" in bot.log, "that time was lost is noticed")
            status = await bot.status()
            while not (status["positions"] and status["positions"][0]["protected"]):
                status = await bot.status()
                await asyncio.sleep(0.05)
            await asyncio.sleep(LOOKED_S)
            assert not here.orders(Purpose.EXIT)
            assert here.held_base == here.stopped_base == QUANTITY
