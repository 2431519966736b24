"""A served OKX with one account and unmodified unified clients on it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import ccxt.pro
import msgspec
from loopback_market import PRICE, bar, block, hub_of, mark, pointed
from patience import until

from liqbot.events import Event
from paper.dialects.hub import Hub
from paper.dialects.okx.dialect import OkxDialect
from paper.dialects.serving import Loopback, serving
from paper.exchange.exchange import Happened

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
KEY, SECRET, PHRASE = "key", "secret", "phrase"
ISOLATED = {"marginMode": "isolated"}


class Place:
    """`raw` holds every message that a tapped client has received, `second` the market's time."""

    def __init__(self, hub: Hub, loop: Loopback, dialect: OkxDialect) -> None:
        self.hub, self.server, self.url, self.dialect = hub, loop.server, loop.url, dialect
        self.account = hub.open_account("okx", KEY, SECRET, passphrase=PHRASE)
        self.clients: list[Any] = []
        self.raw: list[dict[str, Any]] = []
        self.second = 0
        self.client = self.another()

    def another(self, *, key: str = KEY, secret: str = SECRET, passphrase: str = PHRASE, demo: bool = False) -> Any:
        client = ccxt.pro.okx({
            "apiKey": key, "secret": secret, "password": passphrase, "enableRateLimit": False,
            "options": {"fetchMarkets": {"types": ["swap"]}, "defaultType": "swap"},
        })
        client.has["fetchCurrencies"], client.timeout_on_exit = False, 0
        if demo:
            client.set_sandbox_mode(True)
        self.clients.append(pointed(client, self.url))
        return client

    async def ready(self, leverage: int = 10) -> None:
        await self.client.load_markets()
        await self.client.set_leverage(leverage, BTC, ISOLATED)

    async def tick(self, price: float = PRICE, low: float | None = None) -> None:
        """One more second; with `low` the price dips there and comes back, and the mark stays there."""
        self.second += 1
        prices = (price, price, price if low is None else low, price)
        marked = price if low is None else low
        await self.hub.advance(
            block(self.second, bar("okx", "BTC", self.second, prices), mark("okx", "BTC", self.second, marked))
        )

    async def entered(self, contracts: float = 20, name: str = "eaaaaaa00000001") -> Any:
        """A long of `contracts` hundredths of a bitcoin."""
        await self.ready()
        order = await self.client.create_order(
            BTC, "market", "buy", contracts, None, ISOLATED | {"clientOrderId": name})
        await self.tick()
        return order

    async def stop_at(self, price: float, name: str = "saaaaaa00000002", contracts: float = 20) -> Any:
        params = {"stopLossPrice": price, "slTriggerPxType": "mark", "reduceOnly": True, "algoClOrdId": name}
        return await self.client.create_order(BTC, "market", "sell", contracts, None, ISOLATED | params)

    def outside(self, facts: tuple[Event, ...]) -> None:
        """What happens to the account without a command of its holder."""
        happened = Happened(self.account.now_ms, facts, None)
        self.account.fold(happened)
        self.server.private(self.hub, self.account, happened)

    def tap(self) -> None:
        """Keep every raw message of every socket the client opens."""
        original = self.client.client

        def client(url: str) -> Any:
            socket = original(url)
            if "handle_text_or_binary_message" not in vars(socket):
                handle = socket.handle_text_or_binary_message

                def tapped(data: Any) -> Any:
                    if data != "pong":
                        self.raw.append(msgspec.json.decode(data))
                    return handle(data)

                socket.handle_text_or_binary_message = tapped
            return socket

        self.client.client = client

    def rows(self, channel: str) -> list[dict[str, Any]]:
        """Everything a channel has pushed."""
        return [
            row for message in self.raw if message.get("arg", {}).get("channel") == channel
            for row in message.get("data", ())
        ]

    async def subscribed(self, *channels: str) -> None:
        await until(lambda: set(channels) <= {
            topic.partition("|")[0] for socket in self.server.sockets for topic in socket.topics})


@contextlib.asynccontextmanager
async def served(hub: Hub | None = None) -> AsyncIterator[Place]:
    """Ends with the check that nothing was asked which is not modelled, except what the test takes off the list."""
    hub = hub or hub_of("okx")
    dialect = OkxDialect(hub)
    async with serving(hub, [dialect]) as loop:
        place = Place(hub, loop, dialect)
        try:
            yield place
        finally:
            for client in place.clients:
                await client.close()
    assert hub.unknown == []


async def drop(*tasks: "asyncio.Task[Any]") -> None:
    for task in tasks:
        task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*tasks, return_exceptions=True)
