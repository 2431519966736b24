"""Panic over the loopback exchange: the order of things, and no success before flat."""

import asyncio
from decimal import Decimal
from typing import Any, cast

import pytest

from liqbot import events
from liqbot.commands import Purpose, SetLeverage
from liqbot.execution.edge.account import traded_on
from liqbot.live.panic import STOP_KEPT_S, Left, Panic
from liqbot.venues.errors import VenueError
from liqbot.venues.trading import TradingAdapter
from tests.builders import loopback_market as market
from tests.builders.loopback_broker import VENUES_SERVED, Rig, rig
from tests.builders.patience import PATIENCE_S, until
from tests.builders.venue_keys import is_read
from tests.builders.wrong_answers import (
    FLAT,
    NOT_UNDERSTOOD,
    RESTING,
    SHAPES,
    STATUSES,
    Believed,
    by_hand,
    with_status,
)
from tests.execution.edge.test_broker import PLACE, long_of

everywhere = pytest.mark.parametrize("venue", VENUES_SERVED)


HELD_S_MAX = 20.0
"""Less than the venue wants to be left alone for."""


def panic_of(one: Rig) -> tuple[Panic, list[str]]:
    said: list[str] = []
    return Panic(one.client, one.edge.adapter, one.edge.traded, said.append), said


async def in_a_trade(one: Rig) -> None:
    """Long, with a stop, a take and a further entry resting."""
    await long_of(one)
    orders = (
        one.engine.order(Purpose.STOP, trigger_price="49000"),
        one.engine.order(Purpose.TAKE, limit_price="52000"),
        one.engine.order(Purpose.ENTRY, limit_price="48000"),
    )
    await one.send(*orders)
    for order in orders:
        await one.until(events.OrderAccepted, order.client_id)


@pytest.mark.drawn(cases=True)
@everywhere
async def test_entries_first_then_the_position_then_flat_then_the_stops(venue: str) -> None:
    async with rig(venue) as one:
        await in_a_trade(one)
        panic, said = panic_of(one)
        stops_before = [order.command.client_id for order in one.account.open_orders()]
        assert len(stops_before) == 3
        first = await panic._round()
        assert not first.nothing
        assert [line.split()[0] for line in said] == ["cancel", "cancel", "close"]
        purposes = [order.command.purpose for order in one.account.open_orders()]
        assert sorted(purposes) == [Purpose.EXIT, Purpose.STOP], "takes are gone, the stop stays while anything is held"
        await one.advance()
        left = await panic.run(PATIENCE_S)
        assert left.nothing
        assert one.account.holding("BTC") is None
        assert not one.account.open_orders()
        assert one.hub.unknown == []


class Silent:
    """A venue that never says what is held in one contract, and takes its time not to."""

    def __init__(self, recipe: Any, coin: str) -> None:
        self._recipe, self._coin, self.asked = recipe, coin, asyncio.Event()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._recipe, name)

    async def position(self, client: Any, traded: Any) -> Any:
        if traded.instrument.coin != self._coin:
            return await self._recipe.position(client, traded)
        self.asked.set()
        await asyncio.sleep(0.2)
        raise VenueError("binance", "no answer")


async def test_a_contract_of_which_nothing_is_known_keeps_no_other_open_and_no_stop_of_it_resting() -> None:
    async with rig("binance") as one:
        await in_a_trade(one)
        await one.client.open(("ETH", "BTC"))
        traded = [traded_on(one.client, each) for each in one.client.instruments(("ETH", "BTC"))]
        recipe, said = Silent(one.edge.adapter, "ETH"), list[str]()
        panic = Panic(one.client, cast("TradingAdapter", recipe), traded, said.append)
        work = asyncio.create_task(panic._round())
        await recipe.asked.wait()
        assert (await work).positions == ("ETH/USDT:USDT: position not known", "long 0.01 BTC/USDT:USDT")
        await one.advance()
        assert one.account.holding("BTC") is None
        left = await panic.run(STOP_KEPT_S * 2)
        assert left == Left(("ETH/USDT:USDT: position not known",), left.orders)
        assert not one.account.open_orders()


@pytest.mark.drawn(cases=True)
@everywhere
async def test_no_stop_goes_because_one_answer_says_that_nothing_is_held(venue: str) -> None:
    async with rig(venue) as one:
        await in_a_trade(one)
        panic, _ = panic_of(one)
        one.hub.faults.next(FLAT[venue][0], "changed", change=FLAT[venue][1], times=20)
        left = await panic._round()
        assert not left.positions
        assert left.orders, "not done"
        one.hub.faults.clear()
        assert [order.command.purpose for order in one.account.open_orders()] == [Purpose.STOP]
        work = asyncio.create_task(panic.run(PATIENCE_S))
        await until(lambda: len(one.account.open_orders()) > 1, "the close has arrived")
        await one.advance()
        assert (await work).nothing
        assert one.account.holding("BTC") is None
        assert not one.account.open_orders()


@everywhere
async def test_a_venue_that_says_we_are_too_fast_keeps_nobody_from_closing(venue: str) -> None:
    async with rig(venue) as one:
        await in_a_trade(one)
        one.client._limiter.hold(60.0)
        panic, said = panic_of(one)
        async with asyncio.timeout(HELD_S_MAX):
            await panic._round()
        assert any(line.startswith("close") for line in said)


@pytest.mark.drawn(cases=True)
@everywhere
async def test_it_is_no_success_until_flat(venue: str) -> None:
    async with rig(venue) as one:
        await long_of(one)
        panic, _ = panic_of(one)
        # Market time stands still: nothing that is sent can fill.
        left = await panic.run(1.2)
        assert left.positions
        assert not left.nothing


@pytest.mark.drawn(cases=True)
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
        assert (await panic.run(PATIENCE_S)).nothing
        assert sum((fill.fill.quantity_base for fill in one.account.fills if fill.fill.reduces), Decimal(0)) == \
            Decimal("0.02")


async def run_in_a_market(one: Rig, panic: Panic) -> Left:
    """While time goes on there."""
    work = asyncio.create_task(panic.run(PATIENCE_S))
    while not work.done():
        await one.advance()
        await asyncio.sleep(0.1)
    return work.result()


@pytest.mark.drawn(cases=True)
@everywhere
async def test_trouble_at_the_venue_is_waited_out(venue: str) -> None:
    async with rig(venue) as one:
        await long_of(one)
        panic, said = panic_of(one)
        # Hyperliquid's is a gateway's 502, after which each of several questions is asked again, thrice.
        one.hub.faults.next("*", "maintenance", times=16 if venue == "hyperliquid" else 2)
        assert (await run_in_a_market(one, panic)).nothing
        assert any(line.startswith(f"no answer: {venue}") for line in said)


@pytest.mark.drawn(cases=True)
@everywhere
async def test_a_gateway_that_answers_503_is_waited_out_and_unknown_is_not_flat(venue: str) -> None:
    async with rig(venue) as one:
        await long_of(one)
        panic, said = panic_of(one)
        one.hub.faults.next("*", "http_5xx", 503, times=1_000)
        left = await panic.run(0.1)
        assert "position not known" in left.positions[0]
        one.hub.faults.clear()
        assert (await run_in_a_market(one, panic)).nothing
        assert one.account.holding("BTC") is None
        assert any(line.startswith("no answer") for line in said)


@pytest.mark.drawn(cases=True)
@everywhere
async def test_a_close_that_fills_in_parts_is_followed_to_the_end_with_its_stop_in_place(venue: str) -> None:
    async with rig(venue, hub=market.hub_of(venue, fill_usd_max=300.0, fill_pause_ms=400)) as one:
        await long_of(one, quantity="0.02")
        while (held := one.account.holding("BTC")) is not None and held.quantity_base < Decimal("0.02"):
            await one.advance()
        stop = one.engine.order(Purpose.STOP, quantity="0.02", trigger_price="49000")
        await one.send(stop)
        await one.until(events.OrderAccepted, stop.client_id)
        panic, _ = panic_of(one)
        work = asyncio.create_task(panic.run(PATIENCE_S))
        while not work.done():
            if one.account.holding("BTC") is not None:
                assert any(order.command.purpose is Purpose.STOP for order in one.account.open_orders())
            await one.advance()
            await asyncio.sleep(0.1)
        assert work.result().nothing
        assert one.account.holding("BTC") is None
        assert len([fill for fill in one.account.fills if fill.fill.reduces]) > 1, "in parts"


# --- answers that are not what was asked for --------------------------------------------------------------------------


async def in_a_trade_of_somebody(one: Rig) -> None:
    """Long, with a stop and a further entry resting, of a process that is gone: nobody but the panic asks anything."""
    one.account.isolated["BTC"] = True
    await one.hub.execute(one.account, SetLeverage(one.venue, "BTC", 3))
    await one.hub.execute(one.account, one.engine.order(Purpose.ENTRY))
    await one.advance()
    await one.hub.execute(one.account, one.engine.order(Purpose.STOP, trigger_price="49000"))
    await one.hub.execute(one.account, by_hand(one.venue))
    assert one.account.holding("BTC") is not None
    assert len(one.account.open_orders()) == 2


async def rounds_among_nonsense(one: Rig, panic: Panic) -> dict[str, Left | Exception]:
    """A round for every reading and every wrong shape of its answer: what it said was left, or how it ended."""
    before = len(one.loop.server.log)
    await panic._round()
    endpoints = dict.fromkeys(entry.endpoint for entry in one.loop.server.log[before:])
    readings = [endpoint for endpoint in endpoints if is_read(endpoint)]
    assert len(readings) >= 2
    found: dict[str, Left | Exception] = {}
    for endpoint in readings:
        for shape, change in SHAPES.items():
            one.hub.faults.next(endpoint, "changed", change=change)
            try:
                found[f"{endpoint} {shape}"] = await panic._round()
            except (VenueError, *NOT_UNDERSTOOD) as error:
                found[f"{endpoint} {shape}"] = error
            one.hub.faults.clear()
    return found


@pytest.mark.drawn(singly=True)
@everywhere
async def test_no_wrong_shaped_answer_ends_it(venue: str) -> None:
    async with rig(venue, running=False) as one:
        await in_a_trade_of_somebody(one)
        panic, _ = panic_of(one)
        found = await rounds_among_nonsense(one, panic)
        # A venue's error is waited out.
        assert [(name, end) for name, end in found.items() if isinstance(end, NOT_UNDERSTOOD)] == []
        assert (await run_in_a_market(one, panic)).nothing
        assert one.account.holding("BTC") is None


@pytest.mark.drawn(cases=True)
@everywhere
async def test_no_wrong_shaped_answer_is_flat(venue: str) -> None:
    async with rig(venue, running=False) as one:
        await in_a_trade_of_somebody(one)
        panic, _ = panic_of(one)
        found = await rounds_among_nonsense(one, panic)
        believed = [name for name, left in found.items() if isinstance(left, Left) and not left.positions]
        naked = not [order for order in one.account.open_orders() if order.command.purpose is Purpose.STOP]
        if believed or naked:
            raise Believed(believed)


async def test_an_order_in_an_unknown_state_keeps_no_position_open() -> None:
    venue = "okx"
    async with rig(venue, running=False) as one:
        await in_a_trade_of_somebody(one)
        one.hub.faults.next(RESTING[venue], "changed", change=with_status(*STATUSES[venue]), times=100)
        panic, said = panic_of(one)
        left = await run_in_a_market(one, panic)
        assert one.account.holding("BTC") is None
        # Whatever state it is in: it rests, and it has a name to cancel it by.
        assert left.nothing
        assert not one.account.open_orders()
        assert any(line.startswith("cancel") for line in said)
