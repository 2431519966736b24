"""Recording the live market, and the doctor's questions, over the loopback exchange."""

import asyncio
from pathlib import Path

import pytest

from liqbot import __version__
from liqbot.blocks import EventBlock
from liqbot.code_version import this_code
from liqbot.engine import Engine, Step
from liqbot.exits import Exit, ExpectedError
from liqbot.journal import JournalReader
from liqbot.live.doctor import Finding, Health, findings
from liqbot.live.record import record
from liqbot.observers.observer import Observer
from liqbot.places import journal_path
from liqbot.replay import Equality, replay
from liqbot.runtime.assembly import recorded_engine, snapshot_version
from tests.builders.loopback_broker import VENUES_SERVED
from tests.builders.loopback_house import Place, access_of, place, running
from tests.builders.patience import patiently
from tests.builders.recording_life import market_steps, until_recorded
from tests.builders.venue_keys import is_read, rights_mode_of

everywhere = pytest.mark.parametrize("venue", VENUES_SERVED)


async def advancing(here: Place) -> None:
    while True:
        await here.advance()
        await asyncio.sleep(0.1)


@pytest.mark.drawn(singly=True)
@everywhere
async def test_a_recording_replays_to_the_same_steps(venue: str, tmp_path: Path) -> None:
    async with place(venue) as here:
        market = asyncio.create_task(advancing(here))
        try:
            recording = asyncio.create_task(record(here.settings(), tmp_path, for_s=None))
            assert await until_recorded(recording, tmp_path, lambda blocks: market_steps(blocks) > 3) == Exit.OK
        finally:
            market.cancel()
        path = journal_path(tmp_path)
        with JournalReader(path) as reader:
            assert reader.stamp.mode == "observe"
            assert sum(len(block.bars) for block in reader.blocks()) > 3
        proof = replay(path, recorded_engine, this_code(__version__, 1), snapshot_version=snapshot_version())
        assert proof.equality is Equality.IDENTICAL
        assert proof.steps_compared > 3
        assert not [one for one in here.loop.server.log if not is_read(one.endpoint)]
        assert here.hub.unknown == []


class Counting(Observer):
    """Looks on, and at last fails."""

    name = "counting"

    def __init__(self) -> None:
        self.ticks: list[int] = []

    def on_step(self, seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        del seq, step, engine
        if block.tick_ms is not None:
            self.ticks.append(block.tick_ms)
        if len(self.ticks) == 3:
            raise ValueError("enough")


@pytest.mark.drawn(singly=True)
async def test_who_looks_on_at_a_recording_sees_it_and_cannot_end_it(tmp_path: Path) -> None:
    watch = Counting()
    async with place() as here:
        market = asyncio.create_task(advancing(here))
        recording = asyncio.create_task(record(here.settings(), tmp_path, for_s=None, observers=(watch,)))
        try:
            assert await until_recorded(recording, tmp_path, lambda blocks: market_steps(blocks) > 4) == Exit.OK
        finally:
            market.cancel()
    assert len(watch.ticks) == 3
    assert watch.ticks == sorted(watch.ticks)


async def test_a_recording_without_any_venue_ends_with_unreachable(tmp_path: Path) -> None:
    async with place() as here:
        settings = here.settings(network={"loopback": "http://127.0.0.1:9"})
    with pytest.raises(ExpectedError) as refused:
        await record(settings, tmp_path, for_s=5.0)
    assert refused.value.exit_code == Exit.UNREACHABLE


async def asked(here: Place, data: Path, *, canary: bool = False, **more: object) -> dict[str, Finding]:
    settings = here.settings(**more)
    return {one.what: one async for one in findings(settings, data, access_of(settings), canary=canary)}


@everywhere
async def test_the_doctor_asks_about_everything(venue: str, tmp_path: Path) -> None:
    async with place(venue) as here:
        found = await asked(here, tmp_path, mode=rights_mode_of(venue))
        asked_of_all = {"configuration", "disk", "journal", "bot", "key", "wallet", "BTC margin", "BTC orders"}
        assert asked_of_all | {venue} <= set(found)
        assert not [one for one in found.values() if one.verdict is Health.FAIL]
        assert "10,000.00" in found["wallet"].text
        assert here.hub.unknown == []


async def test_the_doctor_fails_a_key_that_may_withdraw(tmp_path: Path) -> None:
    async with place("okx") as here:
        here.account.may_withdraw = True
        found = await asked(here, tmp_path)
        assert (found["key"].verdict, found["key"].exit_code) == (Health.FAIL, Exit.CONFIG)


async def test_the_doctor_names_a_skewed_clock(tmp_path: Path) -> None:
    async with place() as here:
        here.hub.skew_ms = 5_000
        found = await asked(here, tmp_path)
        assert found["binance"].verdict is Health.FAIL
        assert "clock" in found["binance"].text


@everywhere
async def test_the_canary_is_placed_read_back_and_cancelled(venue: str, tmp_path: Path) -> None:
    async with place(venue) as here:
        here.account.isolated["BTC"] = True
        found = await asked(here, tmp_path, canary=True, mode=rights_mode_of(venue))
        assert found["BTC stop canary"].verdict is not Health.FAIL
        assert not here.account.open_orders()
        assert here.hub.unknown == []


@pytest.mark.drawn(singly=True)
async def test_the_doctor_looks_at_the_running_bot(tmp_path: Path) -> None:
    async with place() as here, running(here.settings(), tmp_path):
        market = asyncio.create_task(advancing(here))
        found = await patiently(asked(here, tmp_path))
        market.cancel()
        assert found["bot"].text.startswith("running for")
