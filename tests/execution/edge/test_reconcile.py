"""Reconciliation over the loopback exchange: what happened while nobody looked, and keys that do not work."""

import asyncio
from decimal import Decimal

import pytest

from liqbot import events
from liqbot.commands import OrderKind, PlaceOrder, Purpose
from liqbot.execution import client_order_id
from liqbot.execution.edge.reconcile import QUIET_S
from liqbot.instruments import Side
from tests.builders import loopback_market as market
from tests.builders.loopback_broker import VENUES_SERVED, rig
from tests.builders.patience import until
from tests.builders.wrong_answers import RESTING
from tests.execution.edge.test_broker import long_of

everywhere = pytest.mark.parametrize("venue", VENUES_SERVED)
SIGNED = [venue for venue in VENUES_SERVED if venue != "hyperliquid"]
"""Where reading needs a key: on a chain anybody may look."""
HOURS_8 = 8 * 3_600


@everywhere
async def test_a_fresh_account_is_read_in_full(venue: str) -> None:
    async with rig(venue) as one:
        kinds = {type(fact) for fact in one.engine.facts}
        assert {events.Balance, events.LeverageConfirmed, events.PositionSnapshot, events.Reconciled} <= kinds
        assert one.engine.of(events.Balance)[0].wallet_usd == one.account.wallet_usd
        assert one.engine.of(events.FeedUp)[0].feed == "account"
        assert one.hub.unknown == []


@pytest.mark.drawn(cases=True)
@everywhere
async def test_while_the_outcome_of_an_order_is_open_nothing_is_read_that_would_not_count(venue: str) -> None:
    async with rig(venue) as one:
        await one.edge.reconciler.once()
        orders, asked = one.edge.orders, one.endpoints(RESTING[venue])
        orders.submitting.add("open")
        reading = asyncio.create_task(one.edge.reconciler.once())
        await asyncio.sleep(QUIET_S * 3)
        beside = len(one.endpoints(RESTING[venue])) - len(asked)
        orders.submitting.clear()
        assert await reading
        assert beside <= 1, "of the check of the stops"


@pytest.mark.drawn(cases=True)
@everywhere
async def test_what_rests_is_mentioned_stops_and_foreign_orders_too(venue: str) -> None:
    async with rig(venue) as one:
        await long_of(one)
        stop = one.engine.order(Purpose.STOP, trigger_price="49000")
        take = one.engine.order(Purpose.TAKE, limit_price="52000")
        await one.send(stop, take)
        await one.until(events.OrderAccepted, stop.client_id)
        await one.until(events.OrderAccepted, take.client_id)
        by_hand = PlaceOrder(
            client_id="byhand1", venue=venue, coin="BTC", decision_id=0, purpose=Purpose.ENTRY, kind=OrderKind.LIMIT,
            side=Side.LONG, quantity_base=Decimal("0.01"), reduce_only=False, limit_price=Decimal(40_000),
        )
        await one.hub.execute(one.account, by_hand)
        one.engine.facts.clear()
        assert await one.edge.reconciler.once()
        assert {fact.client_id for fact in one.engine.of(events.OrderAccepted)} == {
            stop.client_id, take.client_id, "byhand1"
        }  # fmt: skip
        assert [type(fact) for fact in one.engine.facts[-2:]] == [events.Reconciled, events.Balance]


@pytest.mark.drawn(cases=True)
@everywhere
async def test_fills_while_the_stream_was_deaf_are_told_by_rest_under_our_own_ids(venue: str) -> None:
    async with rig(venue) as one:
        await long_of(one)
        stop = one.engine.order(Purpose.STOP, trigger_price="49000")
        await one.send(stop)
        await one.until(events.OrderAccepted, stop.client_id)
        one.client._taps[:] = [lambda _raw, _url: True]
        await one.advance(48_900.0)
        assert not one.engine.of(events.Fill, stop.client_id)
        assert await one.edge.reconciler.once()
        assert one.engine.of(events.Fill, stop.client_id)[0].reduces


@pytest.mark.drawn(cases=True)
@everywhere
async def test_another_start_tells_everything_again_and_the_ids_agree(venue: str) -> None:
    hub = market.hub_of(venue)
    async with rig(venue, hub=hub) as one:
        await long_of(one)
        told = {fact.fill_id: fact for fact in one.engine.of(events.Fill)}
    async with rig(venue, hub=hub) as again:
        assert {fact.fill_id: fact for fact in again.engine.of(events.Fill)} == told
        snapshot = again.engine.of(events.PositionSnapshot)[-1]
        assert (snapshot.quantity_base, snapshot.isolated) == (Decimal("0.01"), True)
        assert snapshot.liquidation_price is not None


@pytest.mark.drawn(cases=True)
@everywhere
async def test_funding_and_transfers_are_told_with_the_venues_time(venue: str) -> None:
    async with rig(venue) as one:
        await long_of(one)
        await one.advance(market.PRICE, market.rate(venue, one.second + 1, 0.01))
        one.second = HOURS_8
        await one.advance(market.PRICE, market.rate(venue, one.second + 1, 0.01, settled=True))
        await one.hub.transfer(one.account, Decimal(-100))
        assert await one.edge.reconciler.once()
        assert await one.edge.reconciler.once()
        paid = {(fact.time_ms, fact.amount_usd, fact.rate_pct) for fact in one.engine.of(events.FundingPaid)}
        assert len(paid) == 1
        (time_ms, amount_usd, rate_pct), = paid
        assert market.at(HOURS_8) <= time_ms < market.at(HOURS_8 + 60), "paid once its rate is told"
        assert amount_usd < 0
        assert rate_pct == pytest.approx(0.01)
        moved = {(fact.time_ms, fact.amount_usd) for fact in one.engine.of(events.Transfer)}
        assert {amount for _, amount in moved} == {Decimal(-100)}
        assert len(moved) == 1
        assert one.hub.unknown == []


@pytest.mark.drawn(cases=True)
@everywhere
async def test_our_own_liquidation_is_told_as_such(venue: str) -> None:
    async with rig(venue) as one:
        await one.leverage(5)
        await one.until(events.LeverageConfirmed, count=2)
        entry = one.engine.order(Purpose.ENTRY)
        await one.send(entry)
        await one.until(events.OrderAccepted, entry.client_id)
        await one.advance()
        await one.until(events.Fill, entry.client_id)
        await one.advance(40_200.0)
        await one.advance(39_000.0)
        await one.edge.reconciler.once()
        forced = (await one.until(events.PositionLiquidated))[0]
        assert (forced.side, forced.quantity_base) == (Side.LONG, Decimal("0.01"))
        assert len({fact.time_ms for fact in one.engine.of(events.PositionLiquidated)}) == 1


@everywhere
async def test_orders_of_another_liqbot_halt_entries(venue: str) -> None:
    async with rig(venue) as one:
        theirs = PlaceOrder(
            client_id=client_order_id.client_id("zzz999", 7, Purpose.ENTRY), venue=venue, coin="BTC", decision_id=0,
            purpose=Purpose.ENTRY, kind=OrderKind.LIMIT, side=Side.LONG, quantity_base=Decimal("0.01"),
            reduce_only=False, limit_price=Decimal(40_000),
        )
        await one.leverage(3)
        await one.until(events.LeverageConfirmed, count=2)
        await one.hub.execute(one.account, theirs)
        await one.edge.reconciler.once()
        await one.edge.reconciler.once()
        assert ["another liqbot" in fact.reason for fact in one.engine.of(events.Halt)] == [True]


@everywhere
async def test_a_broken_user_stream_says_so_and_is_read_up(venue: str) -> None:
    async with rig(venue) as one:
        await long_of(one)
        await until(lambda: any(socket.account is not None for socket in one.loop.server.sockets))
        sockets = [socket for socket in one.loop.server.sockets if socket.account is not None]
        one.hub.faults.next(sockets[0].path, "disconnect_ws")
        await one.advance()
        down = (await one.until(events.FeedDown))[0]
        assert down.feed == "account"
        await one.until(events.FeedUp, count=2)
        exit_order = one.engine.order(Purpose.EXIT)
        await one.send(exit_order)
        await one.until(events.OrderAccepted, exit_order.client_id)
        await one.advance()
        await one.until(events.Fill, exit_order.client_id)


@everywhere
async def test_a_message_nested_too_deeply_costs_a_connection_and_not_the_stream(venue: str) -> None:
    async with rig(venue) as one:
        await long_of(one)
        await until(lambda: any(socket.account is not None for socket in one.loop.server.sockets))
        for socket in one.loop.server.sockets:
            socket.send("[" * 100_000 + "]" * 100_000)
        await one.until(events.FeedDown)
        assert one.client.handler_errors, "given up at once, and not for a ping that nobody heard"
        await one.until(events.FeedUp, count=2)
        exit_order = one.engine.order(Purpose.EXIT)
        await one.send(exit_order)
        await one.until(events.OrderAccepted, exit_order.client_id)
        await one.advance()
        await one.until(events.Fill, exit_order.client_id)


@pytest.mark.parametrize("venue", SIGNED)
async def test_a_wrong_secret_halts_and_is_named(venue: str) -> None:
    async with rig(venue, secret="wrong", running=False) as one:
        assert not await one.edge.reconciler.once()
        assert "key refused" in one.engine.of(events.Halt)[0].reason
        assert not one.engine.of(events.Reconciled)


@pytest.mark.parametrize("venue", SIGNED)
async def test_a_skewed_clock_is_named_and_nothing_counts_as_reconciled(venue: str) -> None:
    hub = market.hub_of(venue)
    async with rig(venue, hub=hub, running=False) as one:
        hub.skew_ms = 90_000
        assert not await one.edge.reconciler.once()
        assert not one.engine.of(events.Reconciled)
        hub.skew_ms = 0
        assert await one.edge.reconciler.once()
