"""One reading of the account in which one answer of status 200 is not what was asked for: it counts as not read."""

from collections import Counter

import pytest

from liqbot import events
from liqbot.commands import Purpose
from liqbot.venues.errors import AnswerMalformed
from tests.builders.loopback_broker import VENUES_SERVED, Rig, rig
from tests.builders.wrong_answers import (
    NOT_UNDERSTOOD,
    RESTING,
    SHAPES,
    STATUSES,
    STRANGE_STATUS,
    Believed,
    Change,
    Ended,
    by_hand,
    leaves,
    with_status,
)
from tests.execution.edge.test_broker import PLACE_STOP, long_of

READ_STOP = {
    "binance": "GET /fapi/v1/algoOrder", "bybit": "GET /v5/order/realtime", "okx": "GET /api/v5/trade/order-algo",
    "bitget": "GET /api/v2/mix/order/orders-plan-pending",
    "hyperliquid": "POST /info orderStatus",
}  # fmt: skip
everywhere = pytest.mark.parametrize("venue", VENUES_SERVED)


async def readings(one: Rig) -> Counter[str]:
    """Every endpoint that a reading of the account asks each time, and how often."""
    rounds = []
    for _ in range(2):
        before = len(one.loop.server.log)
        assert await one.edge.reconciler.once()
        rounds.append(Counter(entry.endpoint for entry in one.loop.server.log[before:]))
    return rounds[0] & rounds[1]


async def outcome(one: Rig, endpoint: str, change: Change, usual: int) -> str:
    """Empty when the reading was given up, as it is when a venue does not answer, or the question asked again."""
    before = len(one.loop.server.log)
    one.hub.faults.next(endpoint, "changed", change=change)
    try:
        whole = await one.edge.reconciler.once()
    except NOT_UNDERSTOOD as error:
        return f"{type(error).__name__}: {error}"
    assert not one.hub.faults.waiting, f"{endpoint} was not asked"
    asked = [entry.endpoint for entry in one.loop.server.log[before:]].count(endpoint)
    return "believed" if whole and asked <= usual else ""


async def outcomes(venue: str, *shapes: str, each: int) -> dict[str, str]:
    """What went wrong, by endpoint and shape, on an account that holds a position. Every endpoint meets `each` of the
    shapes, in turn."""
    async with rig(venue) as one:
        await long_of(one)
        found = {}
        for number, (endpoint, usual) in enumerate((await readings(one)).items()):
            for shape in (shapes * 2)[number % len(shapes) :][:each]:
                found[f"{endpoint} {shape}"] = await outcome(one, endpoint, SHAPES[shape], usual)
        assert await one.edge.reconciler.once(), "afterwards everything is read again"
        assert len(found) >= 5 * each
        return {name: what for name, what in found.items() if what}


@pytest.mark.drawn(singly=True)
@everywhere
async def test_no_wrong_shape_is_an_error_of_the_program(venue: str) -> None:
    raised = {name: what for name, what in (await outcomes(venue, *SHAPES, each=2)).items() if what != "believed"}
    if raised:
        raise Ended(raised)


@pytest.mark.drawn(singly=True)
@everywhere
async def test_no_wrong_shape_is_believed(venue: str) -> None:
    believed = [name for name, what in (await outcomes(venue, "empty", "null", each=2)).items() if what == "believed"]
    if believed:
        raise Believed(believed)


@everywhere
async def test_an_order_of_somebody_else_in_an_unknown_state_is_no_error_of_the_program(venue: str) -> None:
    async with rig(venue) as one:
        await one.hub.execute(one.account, by_hand(venue))
        one.hub.faults.next(RESTING[venue], "changed", change=with_status(*STATUSES[venue]))
        try:
            await one.edge.reconciler.once()
        except KeyError as error:
            if error.args != (STRANGE_STATUS,):
                raise
            raise Ended(error) from error
        assert not one.hub.faults.waiting
        assert await one.edge.reconciler.once()


# --- orders -----------------------------------------------------------------------------------------------------------


@pytest.mark.drawn(cases=True)
@everywhere
async def test_an_order_whose_answer_is_wrong_shaped_is_read_back(venue: str) -> None:
    async with rig(venue) as one:
        await long_of(one)
        for change in SHAPES.values():
            stop = one.engine.order(Purpose.STOP, trigger_price="49000")
            one.hub.faults.next(PLACE_STOP[venue], "changed", change=change)
            await one.send(stop)
            await one.until(events.OrderAccepted, stop.client_id)
        assert not one.hub.faults.waiting
        assert len(one.account.open_orders()) == len(SHAPES)


@pytest.mark.drawn(cases=True)
@everywhere
async def test_a_stop_that_is_read_back_wrong_shaped_is_read_again(venue: str) -> None:
    try:
        async with rig(venue) as one:
            await long_of(one)
            stop = one.engine.order(Purpose.STOP, trigger_price="49000")
            one.hub.faults.next(READ_STOP[venue], "changed", change=SHAPES["html"])
            await one.send(stop)
            await one.until(events.OrderAccepted, stop.client_id)
    except BaseExceptionGroup as group:
        if all(isinstance(error, NOT_UNDERSTOOD) for error in leaves(group)):
            raise Ended(group) from group
        raise
    assert not one.hub.faults.waiting


REFUSING = {
    "binance": lambda _: b'{"code": -9999, "msg": "?"}', "bybit": lambda _: b'{"retCode": "abc", "result": {}}',
    "hyperliquid": lambda _: b'{"status": "err", "response": "?"}',
    "okx": lambda _: b'{"code": "abc", "data": [], "msg": ""}',
    "bitget": lambda _: b'{"code": "abc", "data": null, "msg": ""}',
}  # fmt: skip


@pytest.mark.drawn(cases=True)
@everywhere
async def test_a_stop_that_stands_is_not_lost_over_a_refusal_in_unknown_words(venue: str) -> None:
    async with rig(venue) as one:
        await long_of(one)
        stop = one.engine.order(Purpose.STOP, trigger_price="49000")
        one.hub.faults.next(PLACE_STOP[venue], "changed", change=REFUSING[venue])
        await one.send(stop)
        await one.until(events.OrderAccepted, stop.client_id)
        assert not one.engine.of(events.OrderRejected, stop.client_id)


async def test_a_row_that_names_itself_and_is_not_understood_spoils_nothing() -> None:
    async with rig("binance") as one:
        await long_of(one)
        stop = one.engine.order(Purpose.STOP, trigger_price="49000")
        await one.send(stop)
        await one.until(events.OrderAccepted, stop.client_id)
        strange = b'[{"symbol": "BTCUSDT", "orderId": 7, "clientOrderId": "theirs", "status": "NEW"}]'
        one.hub.faults.next("GET /fapi/v1/openOrders", "changed", change=lambda _: strange, times=20)
        one.engine.facts.clear()
        assert await one.edge.reconciler.once()
        assert {fact.client_id for fact in one.engine.of(events.OrderAccepted)} == {stop.client_id, "theirs"}


async def test_no_balance_at_all_is_neither_an_empty_wallet_nor_another_account() -> None:
    async with rig("binance") as one:
        one.hub.faults.next("GET /fapi/v3/balance", "changed", change=lambda _: b"[]", times=100)
        with pytest.raises(AnswerMalformed):
            await one.edge.adapter.wallet_usd(one.client)
        with pytest.raises(AnswerMalformed):
            await one.edge.adapter.permissions(one.client, with_money=False)
