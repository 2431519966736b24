"""The simulated Bybit served on loopback, with one account and unmodified clients on it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import ccxt.pro
import msgspec
from loopback_market import PRICE, bar, block, hub_of, mark, pointed
from patience import until

from paper.dialects.bybit.dialect import BybitDialect
from paper.dialects.hub import Hub
from paper.dialects.serving import Loopback, serving

BTC = "BTC/USDT:USDT"
KEY, SECRET = "k" * 18, "s" * 36
ENTRY, STOP = "eaaaaaa00000001", "saaaaaa00000002"


class BybitPlace:
    def __init__(self, hub: Hub, loop: Loopback) -> None:
        self.hub, self.server, self.url = hub, loop.server, loop.url
        self.account = hub.open_account("bybit", KEY, SECRET)
        self.clients: list[Any] = []
        self.client = self.another()
        self.raw: list[dict[str, Any]] = []
        self.second = 0

    def another(self, secret: str = SECRET, *, demo: bool = False, **options: Any) -> Any:
        options = {"fetchMarkets": {"types": ["linear"]}, **options}
        client = ccxt.pro.bybit({"apiKey": KEY, "secret": secret, "enableRateLimit": False, "options": options})
        if demo:
            client.enable_demo_trading(True)
        client.has["fetchCurrencies"] = False
        client.timeout_on_exit = 0
        self.clients.append(pointed(client, self.url))
        return client

    async def ready(self) -> None:
        """Isolated margin and ten times leverage, as a client sets them."""
        await self.client.load_markets()
        await self.client.set_margin_mode("isolated")
        await self.client.set_leverage(10, BTC)

    async def entered(self, quantity: float = 0.2, side: str = "buy") -> None:
        await self.ready()
        await self.client.create_order(BTC, "market", side, quantity, None, {"clientOrderId": ENTRY})
        await self.tick()

    async def stop_at(self, price: float, name: str = STOP, quantity: float = 0.2, side: str = "sell") -> Any:
        params = {"stopLossPrice": price, "reduceOnly": True, "triggerBy": "MarkPrice", "clientOrderId": name}
        return await self.client.create_order(BTC, "market", side, quantity, None, params)

    async def tick(self, price: float = PRICE, marked: float | None = None) -> None:
        """One more second; `marked` is where the mark stands when it differs from the price."""
        self.second += 1
        at_mark = mark("bybit", "BTC", self.second, price if marked is None else marked)
        await self.hub.advance(block(self.second, bar("bybit", "BTC", self.second, (price,) * 4), at_mark))

    def tap(self, client: Any = None) -> None:
        """Keep every raw message of every socket the client opens."""
        client = client or self.client
        original = client.client

        def tapped(url: str) -> Any:
            socket = original(url)
            if "handle_text_or_binary_message" not in vars(socket):
                handle = socket.handle_text_or_binary_message

                def keep(data: Any) -> None:
                    self.raw.append(msgspec.json.decode(data))
                    handle(data)

                socket.handle_text_or_binary_message = keep
            return socket

        client.client = tapped

    def told(self, topic: str) -> list[dict[str, Any]]:
        """Everything a topic has said: the entries of its messages."""
        return [row for message in self.raw if message.get("topic") == topic for row in message["data"]]

    def messages(self, topic: str) -> list[dict[str, Any]]:
        return [message for message in self.raw if message.get("topic") == topic]

    async def subscribed(self, *topics: str) -> None:
        await until(lambda: set(topics) <= {topic for socket in self.server.sockets for topic in socket.topics})

    @contextlib.asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """All private topics are open meanwhile."""
        self.tap()
        client = self.client
        watching = [
            asyncio.create_task(watch)
            for watch in (client.watch_orders(BTC), client.watch_my_trades(BTC), client.watch_balance(),
                          client.watch_positions([BTC], None, None))
        ]  # fmt: skip
        try:
            await self.subscribed("order", "execution", "wallet")
            yield
        finally:
            await dropped(*watching)


@contextlib.asynccontextmanager
async def bybit_place(**hub: Any) -> AsyncIterator[BybitPlace]:
    """Whatever a client asked that is not modelled fails the test in the end."""
    made = hub_of("bybit", **hub)
    async with serving(made, [BybitDialect(made)]) as loop:
        place = BybitPlace(made, loop)
        try:
            yield place
        finally:
            for client in place.clients:
                await client.close()
    assert made.unknown == []


async def dropped(*tasks: "asyncio.Task[Any]") -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
