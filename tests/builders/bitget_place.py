"""A served Bitget with one account and unmodified unified clients on it."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

import ccxt.pro
from loopback_market import PRICE, bar, block, hub_of, mark, pointed

from paper.dialects.bitget.dialect import BitgetDialect
from paper.dialects.hub import Hub
from paper.dialects.serving import Loopback, serving

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
KEY, SECRET, PHRASE = "key", "secret", "phrase"
ISOLATED = {"marginMode": "isolated"}
ENTRY, STOP = "eaaaaaa00000001", "saaaaaa00000002"
MIX = {"productType": "USDT-FUTURES", "symbol": "BTCUSDT"}


class Place:
    """`second` is the market's time."""

    def __init__(self, hub: Hub, loop: Loopback, dialect: BitgetDialect) -> None:
        self.hub, self.server, self.url, self.dialect = hub, loop.server, loop.url, dialect
        self.account = hub.open_account("bitget", KEY, SECRET, passphrase=PHRASE)
        self.clients: list[Any] = []
        self.second = 0
        self.client = self.another()

    def another(self, *, key: str = KEY, secret: str = SECRET, passphrase: str = PHRASE, demo: bool = False) -> Any:
        client = ccxt.pro.bitget({
            "apiKey": key, "secret": secret, "password": passphrase, "enableRateLimit": False,
            "options": {"fetchMarkets": {"types": ["swap"]}, "defaultType": "swap", "uta": False},
        })
        client.has["fetchCurrencies"], client.timeout_on_exit = False, 0
        if demo:
            client.set_sandbox_mode(True)
        self.clients.append(pointed(client, self.url))
        return client

    async def ready(self, leverage: int = 10) -> None:
        await self.client.load_markets()
        await self.client.set_margin_mode("isolated", BTC)
        await self.client.set_leverage(leverage, BTC)

    async def tick(self, price: float = PRICE) -> None:
        """One more second."""
        self.second += 1
        await self.hub.advance(block(
            self.second, bar("bitget", "BTC", self.second, (price,) * 4), mark("bitget", "BTC", self.second, price)
        ))

    async def entered(self, size: float = 0.2, name: str = ENTRY) -> Any:
        await self.ready()
        order = await self.client.create_order(
            BTC, "market", "buy", size, None, ISOLATED | {"clientOrderId": name})
        await self.tick()
        return order

    async def stop_at(self, price: float, name: str = STOP, size: float = 0.2, **more: Any) -> Any:
        params = {"stopLossPrice": price, "triggerType": "mark_price", "planType": "loss_plan", "clientOrderId": name}
        return await self.client.create_order(BTC, "market", "sell", size, None, params | {"reduceOnly": True} | more)


@contextlib.asynccontextmanager
async def bitget_place(**paper: Any) -> AsyncIterator[Place]:
    hub = hub_of("bitget", **paper)
    dialect = BitgetDialect(hub)
    async with serving(hub, [dialect]) as loop:
        place = Place(hub, loop, dialect)
        try:
            yield place
        finally:
            for client in place.clients:
                await client.close()
