"""Panic over the loopback exchange: the order of things, and no success before flat."""

import asyncio
from decimal import Decimal

import pytest

from liqbot import events
from liqbot.commands import Purpose
from liqbot.live.panic import Panic
from tests.builders.loopback_broker import VENUES_SERVED, Rig, rig
from tests.execution.edge.test_broker import PLACE, long_of

everywhere = pytest.mark.parametrize("venue", VENUES_SERVED)


def panic_of(one: Rig) -> tuple[Panic, list[str]]:
    said: list[str] = []
    return Panic(one.client, one.edge.adapter, one.edge.traded, said.append), said


async def in_a_trade(one: Rig) -> None:
    """Long, with a stop, a take and a further entry resting."""
    await long_of(one)
    orders = (
        one.desk.order(Purpose.STOP, trigger_price="49000"),
        one.desk.order(Purpose.TAKE, limit_price="52000"),
        one.desk.order(Purpose.ENTRY, limit_price="48000"),
    )
    await one.send(*orders)
    for order in orders:
        await one.until(events.OrderAccepted, order.client_id)


@everywhere
async def test_entries_first_then_the_position_then_flat_then_the_stops(venue: str) -> None:
    async with rig(venue) as one:
        await in_a_trade(one)
        panic, said = panic_of(one)
        stops_before = [order.command.client_id for order in one.account.open_orders()]
        assert len(stops_before) == 3
        first = await panic._round()
        assert not first.nothing
        assert said[0].startswith("cancel")
        assert said[1].startswith("close long 0.01")
        purposes = {order.command.purpose for order in one.account.open_orders()}
        assert Purpose.STOP in purposes, "while anything is held its stop stays"
        await one.advance()
        left = await panic.run(10)
        assert left.nothing
        assert one.account.holding("BTC") is None
        assert not one.account.open_orders()
        assert one.hub.unknown == []


@everywhere
async def test_it_is_no_success_until_flat(venue: str) -> None:
    async with rig(venue) as one:
        await long_of(one)
        panic, _ = panic_of(one)
        # Market time stands still: nothing that is sent can fill.
        left = await panic.run(1.2)
        assert left.positions
        assert not left.nothing


@everywhere
async def test_a_lost_answer_never_makes_it_close_twice(venue: str) -> None:
    async with rig(venue) as one:
        await long_of(one, quantity="0.02")
        panic, said = panic_of(one)
        before = len(one.endpoints(PLACE[venue]))
        one.hub.faults.next(PLACE[venue], "drop_answer")
        await panic._round()
        await panic._round()
        assert len(one.endpoints(PLACE[venue])) == before + 1
        assert any(line.startswith("unclear") for line in said)
        await one.advance()
        assert (await panic.run(10)).nothing
        assert sum((fill.fill.quantity_base for fill in one.account.fills if fill.fill.reduces), Decimal(0)) == \
            Decimal("0.02")


@everywhere
async def test_trouble_at_the_venue_is_waited_out(venue: str) -> None:
    async with rig(venue) as one:
        await long_of(one)
        panic, said = panic_of(one)
        one.hub.faults.next("*", "maintenance", times=2)
        work = asyncio.create_task(panic.run(15))
        while not work.done():
            await one.advance()
            await asyncio.sleep(0.2)
        assert work.result().nothing
        assert said[0].startswith(f"no answer: {venue}")
