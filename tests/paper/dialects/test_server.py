"""The server itself: hosts, faults, records, and the wire's behaviour that no venue is needed for."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from loopback_market import START_MS, at, block, forced, hub_of, quiet
from loopback_streams import ws_url
from patience import patiently

from liqbot.commands import SetLeverage
from liqbot.instruments import Side
from paper.dialects.binance.dialect import BinanceDialect
from paper.dialects.faults import Kind
from paper.dialects.hub import HeldTooLong, HubParams
from paper.dialects.serving import Loopback, serving
from tests.builders.answer_fuzz import HurriedLoop

TIME = "/fapi.binance.com/fapi/v1/time"


@pytest.fixture
async def loop() -> AsyncIterator[Loopback]:
    hub = hub_of("binance")
    async with serving(hub, [BinanceDialect(hub)]) as served:
        yield served


async def get(loop: Loopback, path: str) -> tuple[int, Any, str]:
    async with aiohttp.ClientSession() as session, session.get(loop.url + path) as answer:
        return answer.status, await answer.text(), answer.headers.get("Retry-After", "")


async def test_a_path_that_is_not_modelled_is_refused_and_recorded(loop: Loopback) -> None:
    status, body, _ = await get(loop, "/fapi.binance.com/fapi/v1/rpiDepth?symbol=BTCUSDT")
    assert status == 404
    assert '"code":-5000' in body
    status, _, _ = await get(loop, "/somewhere.else/at/all")
    assert status == 404
    assert loop.server.unknown == ["binance: GET /fapi/v1/rpiDepth", "somewhere.else: GET /at/all: no such host"]


async def test_faults_are_suffered_in_order_and_once(loop: Loopback) -> None:
    faults = loop.hub.faults
    faults.next("GET /fapi/v1/time", Kind.HTTP_429, 3)
    faults.next("GET /fapi/*", Kind.HTTP_5XX, 504)
    faults.next("*", Kind.DROP_REQUEST, times=2)  # the client itself repeats a GET once
    faults.next("POST /fapi/v1/order", Kind.DROP_ANSWER)
    assert (await get(loop, TIME))[::2] == (429, "3")
    status, body, _ = await get(loop, TIME)
    assert (status, body[:6]) == (504, "<html>")
    with pytest.raises(aiohttp.ServerDisconnectedError):
        await get(loop, TIME)
    assert (await get(loop, TIME))[0] == 200
    assert [fault.kind for _, fault in faults.suffered] == [
        Kind.HTTP_429, Kind.HTTP_5XX, Kind.DROP_REQUEST, Kind.DROP_REQUEST
    ]
    assert len(faults.waiting) == 1
    assert [one.status for one in loop.server.log] == [429, 504, 0, 0, 200]


async def test_a_late_answer_is_late(loop: Loopback) -> None:
    loop.hub.faults.next("*", Kind.DELAY_MS, 60)
    started = asyncio.get_running_loop().time()
    await get(loop, TIME)
    assert asyncio.get_running_loop().time() - started >= 0.06


async def test_an_unknown_socket_is_refused_and_recorded(loop: Loopback) -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(ws_url(loop) + "/fstream.binance.com/nowhere")
        async with session.ws_connect(ws_url(loop) + "/fstream.binance.com/market/ws") as socket:
            await socket.send_str('{"method":"SUBSCRIBE","params":["btcusdt@depth"],"id":7}')
            assert (await socket.receive_json())["id"] == 7
    assert len(loop.server.unknown) == 2


@pytest.mark.parametrize(("place", "stream", "told"), [
    ("/market/ws", "btcusdt@markPrice@1s", True), ("/public/ws", "btcusdt@markPrice@1s", False),
    ("/public/ws", "btcusdt@depth@100ms", True), ("/market/ws", "btcusdt@bookTicker", False),
    ("/ws", "btcusdt@bookTicker", True), ("/ws", "btcusdt@aggTrade", False), ("/private/ws", "", False),
])
async def test_a_root_carries_its_own_streams_alone(loop: Loopback, place: str, stream: str, told: bool) -> None:
    where = ws_url(loop) + "/fstream.binance.com" + place
    async with aiohttp.ClientSession() as session:
        if not stream:
            with pytest.raises(aiohttp.WSServerHandshakeError):
                await session.ws_connect(where)
            return
        async with session.ws_connect(where) as socket:
            await socket.send_json({"method": "SUBSCRIBE", "params": [stream], "id": 1})
            assert ("result" in await socket.receive_json()) is told
    # The environments for practice keep the former root as it was.
    practice = ws_url(loop) + "/fstream.binancefuture.com/ws/" + stream
    async with aiohttp.ClientSession() as session, session.ws_connect(practice) as socket:
        await loop.hub.advance(quiet(1, "binance"))
        assert (await socket.receive_json())["s"] == "BTCUSDT"


async def test_a_combined_stream_wraps_its_messages(loop: Loopback) -> None:
    where = ws_url(loop) + "/fstream.binance.com/market/stream?streams=btcusdt@markPrice@1s/ethusdt@markPrice@1s"
    async with aiohttp.ClientSession() as session, session.ws_connect(where) as socket:
        await loop.hub.advance(quiet(1, "binance"))
        told = await socket.receive_json()
    assert told["stream"] == "btcusdt@markPrice@1s"
    assert told["data"]["s"] == "BTCUSDT"


async def test_a_flood_arrives_whole_and_in_order(loop: Loopback) -> None:
    rows = [forced("binance", 1, Side.SHORT, 50_000.0, 50_000.0 * number) for number in range(1, 1_001)]
    where = ws_url(loop) + "/fstream.binance.com/market/ws"
    async with aiohttp.ClientSession() as session, session.ws_connect(where) as socket:
        await socket.send_str('{"method":"SUBSCRIBE","params":["btcusdt@forceOrder"],"id":1}')
        await socket.receive_json()
        await loop.hub.advance(block(1, *rows))
        told = [(await socket.receive_json())["o"] for _ in range(1_000)]
    assert [one["z"] for one in told] == [str(number) for number in range(1, 1_001)]
    assert {one["S"] for one in told} == {"BUY"}


async def test_stopping_ends_every_connection() -> None:
    hub = hub_of("binance")
    async with aiohttp.ClientSession() as session:
        async with serving(hub, [BinanceDialect(hub)]) as served:
            socket = await session.ws_connect(ws_url(served) + "/fstream.binance.com/market/ws")
            url = served.url
        assert (await patiently(socket.receive())).type in (
            aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING
        )
        with pytest.raises(aiohttp.ClientConnectorError):
            await session.get(url + TIME)


async def test_the_hub_accepts_the_walls_clock_and_the_markets() -> None:
    hub = hub_of("binance")
    wall_ms = hub.server_ms()
    assert wall_ms > START_MS
    assert hub.timely(wall_ms, 5_000)
    assert hub.timely(START_MS, 5_000)
    assert not hub.timely(START_MS - 5_001, 5_000)
    assert not hub.timely(wall_ms, 5_000, skew_ms=60_000)
    assert hub_of("binance", params=HubParams(wall_clock=False)).server_ms() == START_MS


async def test_a_command_that_no_block_reaches_is_given_up() -> None:
    hub = hub_of("binance", latency_ms=100, params=HubParams(held_s_max=0.02))
    account = hub.open_account("binance", "key", "secret")
    with pytest.raises(HeldTooLong):
        await hub.execute(account, SetLeverage("binance", "BTC", 5))
    assert hub.held == 0
    await hub.advance(block(1))
    assert account.leverage("BTC") == 5


def test_a_paced_market_keeps_its_pace_and_ends_on_time() -> None:
    hub = hub_of("binance")

    async def played() -> float:
        loop = asyncio.get_running_loop()
        started_s = loop.time()
        await hub.run((quiet(second, "binance") for second in range(1, 1_000)), speed=1.0, for_s=20.0)
        return loop.time() - started_s

    with asyncio.Runner(loop_factory=HurriedLoop) as runner:
        assert 19.9 <= runner.run(played()) < 60.0
    assert at(10) <= hub.now_ms <= at(25)
