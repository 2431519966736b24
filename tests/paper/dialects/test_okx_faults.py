"""Trouble on the wire to the simulated OKX, as the unmodified unified client meets it."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from ccxt.base import errors
from loopback_market import hub_of, quiet
from okx_place import BTC, ISOLATED, Place, served
from patience import patiently, until

from paper.dialects.faults import Kind

ORDER, BATCH = "POST /api/v5/trade/order", "POST /api/v5/trade/batch-orders"
NAME = "eaaaaaa00000001"


@pytest.fixture
async def place() -> AsyncIterator[Place]:
    async with served() as made:
        await made.ready()
        yield made


async def enter(place: Place) -> None:
    await place.client.create_order(BTC, "market", "buy", 20, None, ISOLATED | {"clientOrderId": NAME})


async def test_a_clock_that_is_off_is_told_and_can_be_made_right(place: Place) -> None:
    place.hub.skew_ms = 60_000
    with pytest.raises(errors.InvalidNonce, match="50102"):
        await enter(place)
    skewed_ms = await place.client.fetch_time() - place.client.milliseconds()
    assert 59_000 < skewed_ms < 61_000
    place.hub.skew_ms = 0
    place.hub.faults.next(BATCH, Kind.SKEW_MS, -5_000)
    with pytest.raises(errors.InvalidNonce, match="50102"):
        await enter(place)
    await enter(place)


async def test_too_many_requests_and_maintenance(place: Place) -> None:
    place.hub.faults.next(BATCH, Kind.HTTP_429, 2)
    with pytest.raises(errors.RateLimitExceeded, match="50011"):
        await enter(place)
    assert place.client.last_response_headers["Retry-After"] == "2"
    place.hub.faults.next("*", Kind.MAINTENANCE)
    with pytest.raises(errors.OnMaintenance, match="50001"):
        await enter(place)
    place.hub.faults.next(BATCH, Kind.HTTP_5XX, 502)
    with pytest.raises(errors.ExchangeNotAvailable):
        await enter(place)
    assert place.account.orders == {}


async def test_after_a_dropped_answer_the_order_exists(place: Place) -> None:
    place.hub.faults.next(BATCH, Kind.DROP_ANSWER)
    with pytest.raises(errors.NetworkError):
        await enter(place)
    await place.tick()
    read = await place.client.fetch_order("", BTC, {"clientOrderId": NAME})
    assert (read["status"], read["filled"]) == ("closed", 20)
    with pytest.raises(errors.InvalidOrder, match="51016"):
        await enter(place)


async def test_after_a_dropped_request_it_does_not(place: Place) -> None:
    place.hub.faults.next(BATCH, Kind.DROP_REQUEST)
    with pytest.raises(errors.NetworkError):
        await enter(place)
    with pytest.raises(errors.OrderNotFound, match="51603"):
        await place.client.fetch_order("", BTC, {"clientOrderId": NAME})
    await enter(place)


async def test_after_a_dropped_answer_to_a_stop_the_stop_rests(place: Place) -> None:
    await place.entered()
    place.hub.faults.next("POST /api/v5/trade/order-algo", Kind.DROP_ANSWER)
    with pytest.raises(errors.NetworkError):
        await place.stop_at(49_000)
    algo = await place.client.fetch_order("", BTC, {"trigger": True, "clientOrderId": "saaaaaa00000002"})
    assert (algo["status"], algo["stopLossPrice"]) == ("open", 49_000)


async def test_a_cut_socket_is_dialled_and_subscribed_again(place: Place) -> None:
    first = asyncio.create_task(place.client.watch_orders(BTC))
    await place.subscribed("orders")
    place.hub.faults.next("/ws/v5/private", Kind.DISCONNECT_WS)
    await place.tick()
    with pytest.raises(errors.NetworkError):
        await patiently(first)
    again = asyncio.create_task(place.client.watch_orders(BTC))
    await place.subscribed("orders")
    await enter(place)
    assert (await patiently(again))[-1]["clientOrderId"] == NAME


async def test_with_latency_a_request_is_held_until_the_market_has_come_that_far() -> None:
    async with served(hub_of("okx", latency_ms=500)) as place:
        await place.client.load_markets()
        held = asyncio.create_task(place.client.set_leverage(10, BTC, ISOLATED))
        await until(lambda: place.hub.held == 1)
        await place.hub.advance(quiet(1, "okx"))
        assert (await held)["code"] == "0"
        place.hub.params = msgspec.structs.replace(place.hub.params, held_s_max=0.2)
        with pytest.raises(errors.RequestTimeout, match="50004"):
            await enter(place)
        with pytest.raises(errors.OrderNotFound):
            await place.client.fetch_order("", BTC, {"clientOrderId": NAME})
        await place.hub.advance(quiet(2, "okx"))
        await place.hub.advance(quiet(3, "okx"))
        read = await place.client.fetch_order("", BTC, {"clientOrderId": NAME})
        assert read["status"] == "closed"
