"""Stops that ride on their entries, over the loopback exchange with the unmodified client; and until when an order that
was sent may be carried out."""

from decimal import Decimal

import msgspec
import pytest

from liqbot import events
from liqbot.commands import PlaceOrder, Purpose, QueryOrder
from liqbot.execution.edge.attached_stops import attached_mismatch
from liqbot.venues.entry_stops import attached_id
from liqbot.venues.trading import OrderReport, OrderStatus
from tests.builders.loopback_broker import VENUES_SERVED, Rig, rig
from tests.builders.patience import until

STOP_PRICE = Decimal("49000.5")
riding = pytest.mark.parametrize("venue", ["bybit", "okx"])


def entry_of(one: Rig, **more: object) -> PlaceOrder:
    plain = one.engine.order(Purpose.ENTRY, **more)
    return msgspec.structs.replace(plain, stop_price=STOP_PRICE, stop_client_id=attached_id(plain.client_id))


def question(entry: PlaceOrder, **more: object) -> QueryOrder:
    asked = QueryOrder(
        entry.stop_client_id, entry.venue, entry.coin, stop_price=entry.stop_price, stop_base=entry.quantity_base
    )
    return msgspec.structs.replace(asked, **more)


async def entered(one: Rig, **more: object) -> PlaceOrder:
    """Filled whole; its stop is at the venue and has not been asked for."""
    await one.leverage(3)
    await one.until(events.LeverageConfirmed, count=2)
    entry = entry_of(one, **more)
    await one.send(entry)
    await one.until(events.OrderAccepted, entry.client_id)
    await one.advance()
    await one.until(events.Fill, entry.client_id)
    return entry


@riding
async def test_from_the_entry_to_the_stop_that_came_with_it(venue: str) -> None:
    async with rig(venue) as one:
        entry = await entered(one)
        assert not one.endpoints("order-algo") or venue == "okx"
        await one.send(question(entry))
        await one.until(events.OrderAccepted, entry.stop_client_id)
        assert not one.engine.of(events.Halt)
        await one.edge.reconciler.once()
        assert len(one.engine.of(events.OrderAccepted, entry.stop_client_id)) >= 2, "named by a reading, as ours"
        assert not [fact for fact in one.engine.of(events.OrderAccepted) if fact.client_id.startswith("venue-")]
        await one.advance(48_900.0)
        gone = (await one.until(events.Fill, entry.stop_client_id))[0]
        assert (gone.reduces, gone.quantity_base) == (True, Decimal("0.01"))
        await one.edge.reconciler.once()
        assert one.engine.of(events.PositionSnapshot)[-1].quantity_base == 0
        assert one.hub.unknown == []


@riding
async def test_it_is_found_by_a_process_that_knows_nothing(venue: str) -> None:
    async with rig(venue) as one:
        entry = await entered(one)
        hub = one.hub
    async with rig(venue, hub=hub) as again:
        await again.send(question(entry))
        await again.until(events.OrderAccepted, entry.stop_client_id)
        assert hub.unknown == []


@riding
async def test_it_is_cancelled_by_our_name(venue: str) -> None:
    async with rig(venue) as one:
        entry = await entered(one)
        await one.send(question(entry))
        await one.until(events.OrderAccepted, entry.stop_client_id)
        stop = msgspec.structs.replace(entry, client_id=entry.stop_client_id)
        await one.cancel(stop)
        await one.until(events.OrderCancelled, entry.stop_client_id)
        assert not one.account.open_orders()
        assert one.hub.unknown == []


@riding
async def test_one_that_the_venue_did_not_make_is_missing_soon(venue: str) -> None:
    async with rig(venue) as one:
        await one.leverage(3)
        await one.until(events.LeverageConfirmed, count=2)
        bare = one.engine.order(Purpose.ENTRY)
        await one.send(bare)
        await one.until(events.OrderAccepted, bare.client_id)
        await one.advance()
        await one.until(events.Fill, bare.client_id)
        named = msgspec.structs.replace(bare, stop_price=STOP_PRICE, stop_client_id=attached_id(bare.client_id))
        await one.send(question(named))
        await one.until(events.OrderMissing, named.stop_client_id)


@riding
async def test_one_at_another_price_is_refused_and_taken_away(venue: str) -> None:
    async with rig(venue) as one:
        entry = await entered(one)
        await one.send(question(entry, stop_price=Decimal(48_000)))
        refused = (await one.until(events.OrderRejected, entry.stop_client_id))[0]
        assert refused.code == "STOP_MISREAD"
        assert one.account.open_orders(), "bad protection until there is better"
        await until(lambda: not one.account.open_orders())


async def test_on_bybit_it_covers_what_a_resting_entry_fills_and_goes_with_the_position() -> None:
    async with rig("bybit") as one:
        entry = await entered(one, limit_price="50100")
        (stop,) = [order for order in one.account.open_orders() if order.rode_in_with]
        assert stop.command.quantity_base == Decimal("0.01")
        leave = one.engine.order(Purpose.EXIT)
        await one.send(leave)
        await one.until(events.OrderAccepted, leave.client_id)
        await one.advance()
        await one.until(events.Fill, leave.client_id)
        await one.until(events.OrderCancelled, entry.stop_client_id)
        assert not one.account.open_orders()


async def test_on_okx_it_stays_when_the_position_is_gone() -> None:
    async with rig("okx") as one:
        entry = await entered(one)
        leave = one.engine.order(Purpose.EXIT)
        await one.send(leave)
        await one.until(events.OrderAccepted, leave.client_id)
        await one.advance()
        await one.until(events.Fill, leave.client_id)
        assert [order.command.client_id for order in one.account.open_orders()] == [entry.stop_client_id]


@riding
async def test_an_entry_whose_stop_is_crossed_already_is_refused_whole(venue: str) -> None:
    async with rig(venue) as one:
        await one.leverage(3)
        await one.until(events.LeverageConfirmed, count=2)
        entry = msgspec.structs.replace(entry_of(one), stop_price=Decimal(51_000))
        await one.send(entry)
        await one.until(events.OrderRejected, entry.client_id)
        await one.advance()
        assert one.account.holding("BTC") is None


@pytest.mark.drawn(cases=True)
@pytest.mark.parametrize("venue", VENUES_SERVED)
async def test_an_immediate_limit_that_does_not_cross_is_gone_at_once(venue: str) -> None:
    async with rig(venue) as one:
        await one.leverage(3)
        await one.until(events.LeverageConfirmed, count=2)
        entry = one.engine.order(Purpose.ENTRY, limit_price="49000", immediate=True)
        await one.send(entry)
        if venue == "hyperliquid":  # it says so at once
            assert (await one.until(events.OrderRejected, entry.client_id))[0].code == "IocCancel"
        else:
            await one.until(events.OrderAccepted, entry.client_id)
        await one.advance()
        if venue != "hyperliquid":
            await one.until(events.OrderCancelled, entry.client_id)
        assert not one.account.open_orders()
        assert one.hub.unknown == []


# --- what counts as read back -----------------------------------------------------------------------------------------

ASKED = QueryOrder("atest0100000001", "okx", "BTC", stop_price=Decimal(49_000), stop_base=Decimal("0.01"))
AS_ASKED = OrderReport(
    client_id=ASKED.client_id, venue_order_id="1", status=OrderStatus.RESTING, quantity_base=Decimal("0.01"),
    trigger_price=Decimal(49_000), on_mark=True,
)


def test_as_asked_for_is_fine_more_too_and_a_stop_of_the_position_needs_no_quantity() -> None:
    assert attached_mismatch(ASKED, AS_ASKED) == ""
    for changes in ({"quantity_base": Decimal("0.02")}, {"quantity_base": Decimal(0), "whole_position": True}):
        assert attached_mismatch(ASKED, msgspec.structs.replace(AS_ASKED, **changes)) == ""


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"on_mark": False}, "mark price"),
        ({"trigger_price": Decimal(48_000)}, "trigger is 48000"),
        ({"trigger_price": None}, "trigger is None"),
        ({"quantity_base": Decimal("0.009")}, "quantity is 0.009"),
    ],
)
def test_what_is_not_as_asked_for_is_named(changes: dict[str, object], named: str) -> None:
    assert named in attached_mismatch(ASKED, msgspec.structs.replace(AS_ASKED, **changes))
