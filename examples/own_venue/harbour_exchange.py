"""Stands in for Harbour on this machine, so that its venue file can be tried: requests and streams over loopback.

    python examples/own_venue/harbour_exchange.py --port 8900

A price that swings around 60,000, a trade five times a second, a forced order now and then.
"""

import argparse
import asyncio
import contextlib
import json
import math
import time
from collections.abc import AsyncIterator
from typing import Any

from aiohttp import WSMsgType, web

STEP_S = 0.2
PRICE = 60_000.0


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def price_at(time_ms: int) -> float:
    return round(PRICE + 300.0 * math.sin(time_ms / 60_000.0), 1)


class Harbour:
    """The exchange: answers requests and sends to every socket what it subscribed to."""

    def __init__(self) -> None:
        self.sockets: dict[web.WebSocketResponse, set[str]] = {}
        self.application = web.Application()
        self.application.router.add_route("*", "/{host}/{path:.*}", self._any)
        self.application.cleanup_ctx.append(self._sending)

    async def _any(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._socket(request)
        if not request.match_info["host"].endswith(".harbour.example"):
            return web.json_response({"retCode": 10_404, "retMsg": "not Harbour"}, status=404)
        answer = ANSWERS.get("/" + request.match_info["path"])
        if answer is None:
            return web.json_response({"retCode": 10_404, "retMsg": "no such path"}, status=404)
        return web.json_response({"retCode": 0, "retMsg": "OK", **answer(dict(request.query))})

    async def _socket(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        self.sockets[socket] = set()
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await self._take(socket, json.loads(message.data))
        finally:
            del self.sockets[socket]
        return socket

    async def _take(self, socket: web.WebSocketResponse, message: dict[str, Any]) -> None:
        if message.get("op") == "subscribe":
            self.sockets[socket] |= {topic.split(".")[0] for topic in message["args"]}
        reply = {"success": True, "ret_msg": "pong" if message.get("op") == "ping" else ""}
        await socket.send_json({**reply, "op": message.get("op"), "req_id": message.get("req_id")})

    async def _sending(self, _: web.Application) -> AsyncIterator[None]:
        task = asyncio.create_task(self._send_for_ever())
        yield
        task.cancel()
        for socket in tuple(self.sockets):
            await socket.close()

    async def _send_for_ever(self) -> None:
        number = 0
        while True:
            number += 1
            for topic, message in messages(number):
                for socket, topics in tuple(self.sockets.items()):
                    if topic in topics:
                        with contextlib.suppress(ConnectionError):
                            await socket.send_json(message)
            await asyncio.sleep(STEP_S)


def messages(number: int) -> list[tuple[str, dict[str, Any]]]:
    """What is sent in one step, each with the topic under which it was subscribed to."""
    at = now_ms()
    price = price_at(at)
    side = "buy" if number % 3 else "sell"
    found = [
        ("publicTrade", {"ch": "fills", "market": "BTCUSDT", "rows": [[at, str(price), "0.5", side]]}),
        ("tickers", {"ch": "state", **state(at)}),
    ]
    if number % 5 == 0:
        was = "long" if number % 2 else "short"
        found.append(("allLiquidation", {"ch": "closed", "market": "BTCUSDT", "at": at, "was": was,
                                         "price": str(price), "coins": "1.5"}))
    return found


def state(at: int) -> dict[str, Any]:
    price = price_at(at)
    return {"market": "BTCUSDT", "at": at, "mark": str(price), "index": str(price + 1), "rate": "0.0001", "every_h": 8,
            "open_coins": "1000"}


def bars(query: dict[str, str]) -> dict[str, Any]:
    step_ms = 300_000
    starts = range(-(-int(query["start"]) // step_ms) * step_ms, int(query["end"]), step_ms)
    prices = [(start, price_at(start), price_at(start + step_ms)) for start in starts]
    return {"bars": [[start, str(first), str(max(first, last) + 50), str(min(first, last) - 50), str(last), "2500000"]
                     for start, first, last in prices]}


def instruments(_: dict[str, str]) -> dict[str, Any]:
    """As the client that dials it reads a list of contracts."""
    return {"time": now_ms(), "result": {"category": "linear", "nextPageCursor": "", "list": [{
        "symbol": "BTCUSDT", "contractType": "LinearPerpetual", "status": "Trading", "baseCoin": "BTC",
        "quoteCoin": "USDT", "settleCoin": "USDT", "launchTime": "1767225600000", "deliveryTime": "0",
        "deliveryFeeRate": "", "priceScale": "1", "fundingInterval": 480,
        "leverageFilter": {"minLeverage": "1", "maxLeverage": "50", "leverageStep": "0.01"},
        "priceFilter": {"minPrice": "0.1", "maxPrice": "1999999.8", "tickSize": "0.1"},
        "lotSizeFilter": {"maxOrderQty": "100", "minOrderQty": "0.001", "qtyStep": "0.001", "minNotionalValue": "5"}}]}}


ANSWERS = {
    "/v5/market/instruments-info": instruments,
    "/v5/market/tickers": lambda _: {"states": [state(now_ms())]},
    "/v5/market/kline": bars,
}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=8_900)
    web.run_app(Harbour().application, host="127.0.0.1", port=parser.parse_args().port)
