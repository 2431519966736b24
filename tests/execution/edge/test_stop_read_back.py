"""What rests at the venue is what was ordered: stops are read back, and whatever reduces can only reduce."""

from decimal import Decimal

import msgspec
import pytest

from liqbot import events
from liqbot.commands import Purpose
from liqbot.execution.edge.broker import EARLY_S, stop_mismatch
from liqbot.venues.trading import OrderReport, OrderStatus
from tests.builders.loopback_broker import VENUES_SERVED, EngineStandIn, rig
from tests.execution.edge.test_broker import PLACE_STOP, long_of

STOP = EngineStandIn("binance").order(Purpose.STOP, trigger_price="49000")
AS_ORDERED = OrderReport(
    client_id=STOP.client_id, venue_order_id="1", status=OrderStatus.RESTING, quantity_base=Decimal("0.01"),
    reduce_only=True, trigger_price=Decimal("49000.0"), on_mark=True,
)


def test_a_stop_as_ordered_is_fine() -> None:
    assert stop_mismatch(STOP, AS_ORDERED) == ""


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"reduce_only": False}, "reduce-only"),
        ({"on_mark": False}, "mark price"),
        ({"trigger_price": Decimal(48_000)}, "trigger is 48000"),
        ({"trigger_price": None}, "trigger is None"),
        ({"quantity_base": Decimal("0.02")}, "quantity is 0.02"),
    ],
)
def test_a_stop_that_is_not_as_ordered_is_named(changes: dict[str, object], named: str) -> None:
    assert named in stop_mismatch(STOP, msgspec.structs.replace(AS_ORDERED, **changes))


@pytest.mark.parametrize("venue", VENUES_SERVED)
async def test_what_reduces_rests_as_reduce_only_at_the_venue(venue: str) -> None:
    async with rig(venue) as one:
        await long_of(one)
        stop = one.engine.order(Purpose.STOP, trigger_price="49000")
        take = one.engine.order(Purpose.TAKE, limit_price="52000")
        await one.send(stop, take)
        for order in (stop, take):
            await one.until(events.OrderAccepted, order.client_id)
        resting = {record.command.client_id: record.command.reduce_only for record in one.account.open_orders()}
        assert resting == {stop.client_id: True, take.client_id: True}


# --- what Binance says when its stop service has not caught up -------------------------------------------------------

TOO_EARLY, THERE_ALREADY = -4509, -4130


async def test_a_stop_refused_because_the_position_does_not_show_yet_is_sent_again_at_once() -> None:
    async with rig("binance") as one:
        await long_of(one)
        stop = one.engine.order(Purpose.STOP, trigger_price="49000")
        one.hub.faults.next(PLACE_STOP["binance"], "refused", TOO_EARLY, times=3)
        await one.send(stop)
        await one.until(events.OrderAccepted, stop.client_id)
        assert len(one.endpoints(PLACE_STOP["binance"])) == 4
        assert not one.engine.of(events.OrderRejected)


async def test_one_that_is_refused_so_for_long_is_refused() -> None:
    async with rig("binance") as one:
        await long_of(one)
        stop = one.engine.order(Purpose.STOP, trigger_price="49000")
        one.hub.faults.next(PLACE_STOP["binance"], "refused", TOO_EARLY, times=len(EARLY_S) + 1)
        await one.send(stop)
        assert (await one.until(events.OrderRejected, stop.client_id))[0].code == str(TOO_EARLY)


async def test_that_there_is_a_stop_already_is_believed_once_it_was_read_back() -> None:
    told = f'{{"code": {THERE_ALREADY}, "msg": "An open stop or take profit order exists in the direction."}}'
    async with rig("binance") as one:
        await long_of(one)
        stop = one.engine.order(Purpose.STOP, trigger_price="49000")
        one.hub.faults.next(PLACE_STOP["binance"], "changed", change=lambda _: told.encode())
        await one.send(stop)
        await one.until(events.OrderAccepted, stop.client_id)
        other = one.engine.order(Purpose.STOP, trigger_price="48000")
        one.hub.faults.next(PLACE_STOP["binance"], "refused", THERE_ALREADY)
        await one.send(other)
        await one.until(events.OrderMissing, other.client_id)
