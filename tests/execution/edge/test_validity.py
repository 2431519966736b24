"""How long an order that was sent may still be carried out: what arrives late is found and not doubled, and "no such
order" is believed only when nothing can arrive any more."""

import asyncio

import pytest

from liqbot import events
from liqbot.commands import Purpose
from liqbot.execution.edge.order_status import CLOCK_MS
from tests.builders.loopback_broker import VENUES_SERVED, rig
from tests.execution.edge.test_broker import PLACE, PLACE_STOP, long_of

everywhere = pytest.mark.parametrize("venue", VENUES_SERVED)


@pytest.mark.drawn(cases=True)
@everywhere
async def test_an_entry_that_arrives_late_but_in_time_is_found_and_not_doubled(venue: str) -> None:
    async with rig(venue) as one:
        await one.leverage(3)
        await one.until(events.LeverageConfirmed, count=2)
        entry = one.engine.order(Purpose.ENTRY)
        one.hub.faults.next(PLACE[venue], "late_ms", 1_500)
        await one.send(entry)
        await one.until(events.OrderAccepted, entry.client_id)
        assert not one.engine.of(events.OrderMissing)
        assert len(one.endpoints(PLACE[venue])) == 1


@pytest.mark.drawn(cases=True)
@everywhere
async def test_an_entry_that_arrives_too_late_is_not_carried_out_and_missing_only_then(venue: str) -> None:
    async with rig(venue) as one:
        await one.leverage(3)
        await one.until(events.LeverageConfirmed, count=2)
        entry = one.engine.order(Purpose.ENTRY)
        valid_ms = one.edge.adapter.valid_ms
        one.hub.faults.next(PLACE[venue], "late_ms", valid_ms + 200)
        started_s = asyncio.get_running_loop().time()
        await one.send(entry)
        await one.until(events.OrderMissing, entry.client_id)
        assert (asyncio.get_running_loop().time() - started_s) * 1_000 >= valid_ms + CLOCK_MS
        assert entry.client_id not in one.account.orders
        await one.advance()
        assert one.account.holding("BTC") is None


async def test_a_stop_on_okx_may_arrive_for_half_a_minute_and_is_found() -> None:
    async with rig("okx") as one:
        await long_of(one)
        stop = one.engine.order(Purpose.STOP, trigger_price="49000")
        one.hub.faults.next(PLACE_STOP["okx"], "late_ms", one.edge.adapter.valid_ms + CLOCK_MS + 500)
        await one.send(stop)
        await one.until(events.OrderAccepted, stop.client_id)
        assert not one.engine.of(events.OrderMissing, stop.client_id)
        assert one.edge.resolver.still_on_its_way(stop.client_id)


async def test_an_order_counts_from_when_it_leaves_not_from_when_it_was_asked_for() -> None:
    async with rig("binance") as one:
        await one.leverage(3)
        await one.until(events.LeverageConfirmed, count=2)
        loop, entry = asyncio.get_running_loop(), one.engine.order(Purpose.ENTRY)
        one.client._limiter.hold(0.7)
        open_s = one.client._limiter._open_at_s
        await one.send(entry)
        await one.until(events.OrderAccepted, entry.client_id)
        assert open_s <= one.edge.orders.sent_s[entry.client_id] <= loop.time()


async def test_an_entry_whose_turn_does_not_come_is_refused_unsent_and_a_stop_is_not() -> None:
    async with rig("binance") as one:
        await long_of(one)
        sent = len(one.endpoints(PLACE["binance"]))
        one.client._limiter.hold(60.0)
        entry, stop = one.engine.order(Purpose.ENTRY), one.engine.order(Purpose.STOP, trigger_price="49000")
        await one.send(entry, stop)
        await one.until(events.OrderAccepted, stop.client_id)
        refused = (await one.until(events.OrderRejected, entry.client_id))[0]
        assert refused.code == "NOT_SENT"
        assert "not sent" in refused.reason
        assert len(one.endpoints(PLACE["binance"])) == sent
