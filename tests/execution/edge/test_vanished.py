"""Answers that are well-formed and wrong: a position that has vanished, or shrunk, without an execution."""

from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from liqbot import events
from liqbot.commands import OrderKind, Purpose
from liqbot.execution.edge import reconcile, vanished
from tests.builders.earlier_life import QUANTITY, entry_sent
from tests.builders.loopback_broker import VENUES_SERVED, Rig, rig
from tests.builders.loopback_house import EXPECTANT, place, running
from tests.builders.wrong_answers import FLAT, HALF, Change, by_hand
from tests.execution.edge.test_broker import long_of
from tests.live.test_faults import impatient

TOLD = 5
"""More answers than one reading asks for."""
everywhere = pytest.mark.parametrize("venue", VENUES_SERVED)


async def held(one: Rig) -> Decimal:
    """What has been read of it."""
    await long_of(one)
    assert await one.edge.reconciler.once()
    return one.engine.of(events.PositionSnapshot)[-1].quantity_base


async def read_as(one: Rig, change: Change) -> bool:
    """Whether a reading with this answer counts."""
    faults = one.hub.faults
    faults.next(FLAT[one.venue][0], "changed", change=change, times=20)  # settings are read there too, somewhere
    whole, suffered = await one.edge.reconciler.once(), len(faults.suffered)
    faults.clear()
    assert suffered
    return whole


@everywhere
async def test_a_position_that_vanishes_from_one_answer_is_still_held(venue: str) -> None:
    async with rig(venue) as one:
        held_base = await held(one)
        assert not await read_as(one, FLAT[venue][1])
        assert one.engine.of(events.PositionSnapshot)[-1].quantity_base == held_base
        assert await one.edge.reconciler.once()
        assert one.engine.of(events.PositionSnapshot)[-1].quantity_base == held_base


@pytest.mark.parametrize("venue", HALF)
async def test_nor_is_one_smaller_because_an_answer_says_so(venue: str) -> None:
    async with rig(venue) as one:
        held_base = await held(one)
        assert not await read_as(one, HALF[venue])
        assert one.engine.of(events.PositionSnapshot)[-1].quantity_base == held_base


@everywhere
async def test_an_answer_from_before_the_fill_takes_nothing_away(venue: str) -> None:
    async with rig(venue) as one:
        await long_of(one)
        assert not await read_as(one, FLAT[venue][1])


@everywhere
async def test_what_somebody_closes_by_hand_is_gone_at_once(venue: str) -> None:
    async with rig(venue) as one:
        held_base = await held(one)
        order = msgspec.structs.replace(
            by_hand(venue), kind=OrderKind.MARKET, limit_price=None, purpose=Purpose.EXIT, reduce_only=True,
            quantity_base=held_base,
        )
        await one.hub.execute(one.account, order)
        await one.advance()
        assert await one.edge.reconciler.once()
        assert not one.engine.of(events.PositionSnapshot)[-1].quantity_base


async def test_what_was_settled_without_an_execution_is_believed_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vanished, "BELIEVED_AFTER_S", 0.0)
    async with rig("okx") as one:
        await held(one)
        for _ in range(vanished.READINGS_MIN - 1):
            assert not await read_as(one, FLAT["okx"][1])
        assert await read_as(one, FLAT["okx"][1])
        assert not one.engine.of(events.PositionSnapshot)[-1].quantity_base


@pytest.mark.drawn(singly=True)
@everywhere
async def test_no_stop_goes_because_an_answer_says_that_nothing_is_held(
    venue: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    endpoint, change = FLAT[venue]
    monkeypatch.setattr(reconcile, "AFTER_FAILURE_S", 0.2)
    monkeypatch.setattr(reconcile, "AFTER_DOUBT_S", 0.2)
    async with place(venue) as here:
        settings = here.settings(execution=EXPECTANT)
        entry = await entry_sent(here, settings, tmp_path)
        async with running(impatient(settings), tmp_path) as bot:
            here.catch_up()
            await here.advance()
            await here.hub.execute(here.account, entry)
            await here.advance()
            await bot.position(protected=True)
            here.hub.faults.next(endpoint, "changed", change=change, times=1_000)
            await bot.until(lambda: len(here.hub.faults.suffered) > TOLD, "it was told so")
            here.hub.faults.clear()
            asked = here.asked(endpoint)
            await bot.until(lambda: here.asked(endpoint) > asked, "the truth is read again")
            assert (await bot.position(protected=True))["positions"][0]["protected"]
            assert here.stopped_base == here.held_base == QUANTITY
