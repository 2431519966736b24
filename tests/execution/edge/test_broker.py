"""The broker over the loopback exchange with the unmodified client: every outcome ends as the right fact."""

import asyncio
from decimal import Decimal

import pytest

from liqbot import events
from liqbot.commands import Purpose, SetLeverage
from liqbot.connection.rate_limit import RateLimiter
from liqbot.instruments import Side
from liqbot.venues.trading import Channel
from tests.builders import loopback_market as market
from tests.builders.loopback_broker import VENUES_SERVED, Rig, rig
from tests.builders.venue_keys import is_read, opened

VENUES = VENUES_SERVED
PLACE = {
    "binance": "POST /fapi/v1/order", "bybit": "POST /v5/order/create", "okx": "POST /api/v5/trade/batch-orders",
    "bitget": "POST /api/v2/mix/order/place-order",
    "hyperliquid": "POST /exchange order",
}  # fmt: skip
PLACE_STOP = {
    "binance": "POST /fapi/v1/algoOrder", "bybit": "POST /v5/order/create", "okx": "POST /api/v5/trade/order-algo",
    "bitget": "POST /api/v2/mix/order/place-tpsl-order",
    "hyperliquid": "POST /exchange order",
}  # fmt: skip
everywhere = pytest.mark.parametrize("venue", VENUES)


async def long_of(one: Rig, quantity: str = "0.01") -> None:
    """A long position, entered by our own order."""
    await one.leverage(3)
    await one.until(events.LeverageConfirmed, count=2)
    entry = one.engine.order(Purpose.ENTRY, quantity=quantity)
    await one.send(entry)
    await one.until(events.OrderAccepted, entry.client_id)
    await one.advance()
    await one.until(events.Fill, entry.client_id)


@everywhere
async def test_from_entry_to_the_stop_that_is_hit(venue: str) -> None:
    async with rig(venue) as one:
        await one.leverage(3)
        confirmed = await one.until(events.LeverageConfirmed, count=2)
        assert (confirmed[-1].leverage, confirmed[-1].isolated) == (3.0, True)
        entry = one.engine.order(Purpose.ENTRY)
        await one.send(entry)
        await one.until(events.OrderAccepted, entry.client_id)
        await one.advance()
        fill = (await one.until(events.Fill, entry.client_id))[0]
        assert (fill.side, fill.reduces, fill.quantity_base) == (Side.LONG, False, Decimal("0.01"))
        assert fill.fee > 0
        stop = one.engine.order(Purpose.STOP, trigger_price="49000")
        await one.send(stop)
        await one.until(events.OrderAccepted, stop.client_id)
        await one.advance(48_900.0)
        gone = (await one.until(events.Fill, stop.client_id))[0]
        assert (gone.side, gone.reduces, gone.quantity_base) == (Side.LONG, True, Decimal("0.01"))
        await one.edge.reconciler.once()
        assert len(one.engine.of(events.Fill)) == 2, "REST repeats nothing that the stream has told"
        assert one.engine.of(events.PositionSnapshot)[-1].quantity_base == 0
        assert one.hub.unknown == []


@pytest.mark.drawn(cases=True)
@everywhere
async def test_an_order_filled_in_part_whose_rest_ends(venue: str) -> None:
    """A reduction larger than the position: the venue fills what there is and ends the rest."""
    async with rig(venue) as one:
        await long_of(one)
        take = one.engine.order(Purpose.TAKE, quantity="0.03", limit_price="51000")
        await one.send(take)
        await one.until(events.OrderAccepted, take.client_id)
        await one.advance(51_500.0)
        part = (await one.until(events.Fill, take.client_id))[0]
        assert (part.quantity_base, part.maker) == (Decimal("0.01"), True)
        await one.until(events.OrderCancelled, take.client_id)
        await one.edge.reconciler.once()
        assert one.engine.of(events.PositionSnapshot)[-1].quantity_base == 0
        assert one.hub.unknown == []


@everywhere
async def test_a_resting_entry_is_cancelled(venue: str) -> None:
    async with rig(venue) as one:
        await one.leverage(2)
        await one.until(events.LeverageConfirmed, count=2)
        entry = one.engine.order(Purpose.ENTRY, limit_price="49000", post_only=True)
        await one.send(entry)
        await one.until(events.OrderAccepted, entry.client_id)
        await one.cancel(entry)
        await one.until(events.OrderCancelled, entry.client_id)
        assert not one.account.open_orders()
        assert one.hub.unknown == []


@everywhere
async def test_a_cancel_that_comes_too_late_tells_the_true_fate(venue: str) -> None:
    async with rig(venue) as one:
        await long_of(one)
        stop = one.engine.order(Purpose.STOP, trigger_price="49000")
        await one.send(stop)
        await one.until(events.OrderAccepted, stop.client_id)
        await one.advance(48_900.0)
        await one.cancel(stop)
        assert (await one.until(events.Fill, stop.client_id))[0].reduces
        await asyncio.sleep(0.3)
        assert not one.engine.of(events.OrderCancelled, stop.client_id)
        assert not one.engine.of(events.OrderMissing, stop.client_id)


@pytest.mark.drawn(cases=True)
@everywhere
async def test_a_reverse_while_the_old_stop_fills_late(venue: str) -> None:
    """The stop of the long fires while the house is already entering the short: both fills belong to their orders."""
    async with rig(venue) as one:
        await long_of(one)
        stop = one.engine.order(Purpose.STOP, trigger_price="49500")
        await one.send(stop)
        await one.until(events.OrderAccepted, stop.client_id)
        await one.advance(49_400.0)
        short = one.engine.order(Purpose.ENTRY, Side.SHORT)
        await one.send(short)
        await one.until(events.OrderAccepted, short.client_id)
        await one.advance(49_400.0)
        old, new = (await one.until(events.Fill, stop.client_id))[0], (await one.until(events.Fill, short.client_id))[0]
        assert (old.side, old.reduces) == (Side.LONG, True)
        assert (new.side, new.reduces) == (Side.SHORT, False)
        await one.edge.reconciler.once()
        snapshot = one.engine.of(events.PositionSnapshot)[-1]
        assert (snapshot.side, snapshot.quantity_base) == (Side.SHORT, Decimal("0.01"))


@everywhere
@pytest.mark.parametrize("stop", [False, True], ids=["entry", "stop"])
async def test_a_lost_answer_is_not_a_lost_order(venue: str, stop: bool) -> None:
    async with rig(venue) as one:
        await long_of(one)
        endpoint = PLACE_STOP[venue] if stop else PLACE[venue]
        before = len(one.endpoints(endpoint))
        order = one.engine.order(Purpose.STOP, trigger_price="49000") if stop else one.engine.order(Purpose.EXIT)
        one.hub.faults.next(endpoint, "drop_answer")
        await one.send(order)
        await one.until(events.OrderAccepted, order.client_id)
        if not stop:
            await one.advance()
            await one.until(events.Fill, order.client_id)
        assert len(one.endpoints(endpoint)) == before + 1, "sent once"
        assert not one.engine.of(events.OrderMissing)


@everywhere
async def test_a_lost_request_is_reported_missing_and_only_once_it_cannot_come_any_more(venue: str) -> None:
    async with rig(venue) as one:
        await long_of(one)
        stop = one.engine.order(Purpose.STOP, trigger_price="49000")
        one.hub.faults.next(PLACE_STOP[venue], "drop_request")
        started_s = asyncio.get_running_loop().time()
        await one.send(stop)
        await asyncio.sleep(0.1)
        await one.ask(stop)  # a query of the order manager does not shorten the wait
        await one.until(events.OrderMissing, stop.client_id)
        assert asyncio.get_running_loop().time() - started_s >= one.edge.adapter.valid_ms / 1_000
        assert not one.engine.of(events.OrderAccepted, stop.client_id)


@pytest.mark.drawn(cases=True)
@everywhere
@pytest.mark.parametrize("kind", ["http_429", "maintenance"])
async def test_a_venue_that_has_no_time_refuses_the_order_clearly(venue: str, kind: str) -> None:
    async with rig(venue) as one:
        await one.leverage(3)
        await one.until(events.LeverageConfirmed, count=2)
        entry = one.engine.order(Purpose.ENTRY)
        one.hub.faults.next(PLACE[venue], kind)
        await one.send(entry)
        if kind == "maintenance" and venue in ("bybit", "hyperliquid"):
            # One says "system error, try later" with a good status, the other's gateway 502: that may mean anything.
            await one.until(events.OrderMissing, entry.client_id)
            return
        refused = (await one.until(events.OrderRejected, entry.client_id))[0]
        assert refused.code == {"http_429": "VenueBusy", "maintenance": "VenueMaintenance"}[kind]
        assert refused.reason.startswith(f"{venue}: ")
        assert len(one.endpoints(PLACE[venue])) == 1


@everywhere
async def test_a_gateway_error_on_a_submit_is_an_unknown_outcome(venue: str) -> None:
    async with rig(venue) as one:
        await long_of(one)
        stop = one.engine.order(Purpose.STOP, trigger_price="49000")
        one.hub.faults.next(PLACE_STOP[venue], "http_5xx", 502)
        await one.send(stop)
        await one.until(events.OrderMissing, stop.client_id)
        assert not one.engine.of(events.OrderRejected, stop.client_id)


@pytest.mark.drawn(cases=True)
@everywhere
async def test_refusals_carry_the_venues_own_code(venue: str) -> None:
    async with rig(venue) as one:
        await long_of(one)
        beyond = one.engine.order(Purpose.STOP, trigger_price="51000")  # would trigger at once
        much = one.engine.order(Purpose.ENTRY, quantity="500")
        await one.send(beyond, much)
        for order in (beyond, much):
            refused = (await one.until(events.OrderRejected, order.client_id))[0]
            named = {"hyperliquid": ("BadTriggerPx", "PerpMargin")}.get(venue, ())
            assert refused.code.lstrip("-").isdigit() or refused.code in named, refused
            assert refused.reason


@everywhere
async def test_leverage_changed_by_hand_is_seen_and_set_again(venue: str) -> None:
    async with rig(venue) as one:
        await one.leverage(3)
        await one.until(events.LeverageConfirmed, count=2)
        await one.hub.execute(one.account, SetLeverage(venue, "BTC", 20))
        await one.edge.reconciler.once()
        assert one.engine.of(events.LeverageConfirmed)[-1].leverage == 20
        await one.leverage(3)
        await one.until(events.LeverageConfirmed, count=4)
        assert one.engine.of(events.LeverageConfirmed)[-1].leverage == 3


@pytest.mark.drawn(cases=True)
@everywhere
async def test_leverage_is_set_once_however_often_it_is_asked_for_and_waits_as_an_entry_does(
    venue: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    channels, acquire = list[str](), RateLimiter.acquire

    async def noted(limiter: RateLimiter, channel: Channel, weight: int) -> None:
        channels.append(channel)
        await acquire(limiter, channel, weight)

    async with rig(venue) as one:
        def writes() -> int:
            return len([entry for entry in one.loop.server.log if not is_read(entry.endpoint)])

        await one.leverage(3)
        await one.until(events.LeverageConfirmed, count=2)
        before = writes()
        await one.leverage(4)
        await one.until(events.LeverageConfirmed, count=3)
        once = writes() - before
        monkeypatch.setattr(RateLimiter, "acquire", noted)
        for _ in range(5):
            await one.leverage(3)
        await one.until(events.LeverageConfirmed, count=4)
        assert writes() - before - once == once
        assert "normal" not in channels


@everywhere
async def test_leverage_that_is_so_already_is_read_and_not_written(venue: str) -> None:
    async with rig(venue) as one:
        await one.leverage(3)
        await one.until(events.LeverageConfirmed, count=2)
        writes = len([entry for entry in one.loop.server.log if not is_read(entry.endpoint)])
        await one.leverage(3)
        await one.until(events.LeverageConfirmed, count=3)
        assert len([entry for entry in one.loop.server.log if not is_read(entry.endpoint)]) == writes


@pytest.mark.parametrize("venue", [venue for venue in VENUES if venue != "hyperliquid"])  # one-way is all it has
async def test_an_account_in_hedge_mode_halts_entries_and_confirms_nothing(venue: str) -> None:
    hub = market.hub_of(venue)
    account = opened(hub, venue)
    account.hedge_mode = True
    async with rig(venue, hub=hub) as one:
        assert "hedge" in one.engine.of(events.Halt)[0].reason
        assert not one.engine.of(events.LeverageConfirmed)
