"""The same market traded in process and over the wire: the same fills, to the instant and the micro-dollar."""

import asyncio
import hashlib
import hmac
import random
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import aiohttp
import msgspec
import pytest
from loopback_market import PRICE, ROSTER, at, hub_of
from loopback_streams import ws_url
from patience import patiently

from liqbot.blocks import EventBlock, block_of
from liqbot.commands import Command, OrderKind, PlaceOrder, Purpose, SetLeverage
from liqbot.events import Event, Fill, MarkPrice, TradeBar
from liqbot.instruments import Side
from liqbot.venues.registry import mechanics_of
from paper.dialects.binance.dialect import BinanceDialect
from paper.dialects.hub import Hub
from paper.dialects.serving import serving
from paper.exchange import PaperExchange, PaperParams
from paper.sessions.listings import paper_instruments

LATENCY_MS = 230
HOST = "fapi.binance.com"


def walk(seconds: int) -> list[EventBlock]:
    """A market that swings enough to fill, trigger and reverse; different every second, the same every time."""
    blocks, price, draws = [], PRICE, random.Random(7)
    for second in range(1, seconds + 1):
        close = round(price + draws.gauss(0.0, 40.0) + 0.1 * (PRICE - price), 1)
        low, high = min(price, close) - draws.randrange(30), max(price, close) + draws.randrange(30)
        rows = [
            TradeBar(time_ms=at(second), venue="binance", coin="BTC", span_ms=1_000, open=price, high=high, low=low,
                     close=close, volume_usd=1e6, buy_usd=6e5, sell_usd=4e5),
            MarkPrice(time_ms=at(second), venue="binance", coin="BTC", mark_price=close),
        ]  # fmt: skip
        blocks.append(block_of(rows, ROSTER, tick_ms=at(second)))
        price = close
    return blocks


def entry(number: int) -> PlaceOrder:
    side = Side.LONG if number % 2 else Side.SHORT
    return PlaceOrder(f"e{number}", "binance", "BTC", 0, Purpose.ENTRY, OrderKind.MARKET, side, Decimal("0.1"), False)


def stop_after(fill_id: str, side: Side, price: Decimal) -> PlaceOrder:
    """Placed the instant the entry's fill is known, inside the bar."""
    trigger = (price * (1 - side.value * Decimal("0.002"))).quantize(Decimal("0.1"))
    return PlaceOrder(
        f"s{fill_id[1:]}", "binance", "BTC", 0, Purpose.STOP, OrderKind.STOP_MARKET, side, Decimal("0.1"), True,
        trigger_price=trigger,
    )  # fmt: skip


def in_process(blocks: list[EventBlock]) -> list[tuple[Any, ...]]:
    listed = paper_instruments("binance", ("BTC", "ETH"))
    mechanics = {(one.venue, one.coin): mechanics_of(one.venue, one.coin) for one in listed}
    exchange = PaperExchange(PaperParams(latency_ms=LATENCY_MS), listed, mechanics, ROSTER)
    exchange.facts_at_start(at(0))
    told: list[tuple[Any, ...]] = []
    flat = True

    def react(facts: tuple[Event, ...], time_ms: int) -> tuple[Command, ...]:
        nonlocal flat
        answers: list[Command] = []
        for fact in facts:
            if isinstance(fact, Fill):
                told.append(seen(fact.client_id, fact.time_ms, fact.price, fact.quantity_base, fact.fee))
                flat = fact.reduces
                if not fact.reduces:
                    answers.append(stop_after(fact.client_id, fact.side, fact.price))
        return tuple(answers)

    number = 0
    exchange.submit(SetLeverage("binance", "BTC", 10), at(0))
    for block in blocks:
        exchange.advance(block, react)
        if flat and block.tick_ms is not None and block.tick_ms % 5_000 == 0:
            number, flat = number + 1, False
            exchange.submit(entry(number), block.tick_ms)
    return told


def seen(name: str, time_ms: int, price: Decimal | str, quantity: Decimal | str, fee: Decimal | str) -> tuple[Any, ...]:
    return name, time_ms, Decimal(price).normalize(), Decimal(quantity).normalize(), Decimal(fee).normalize()


class Trader:
    """Knows nothing but the wire: signs, listens, and answers a fill with a stop."""

    def __init__(self, url: str, session: aiohttp.ClientSession, now_ms: Callable[[], int]) -> None:
        self._url, self._session, self._now_ms = url, session, now_ms
        self.told: list[tuple[Any, ...]] = []
        self.received, self.flat = 0, True
        self.sending: set[asyncio.Task[Any]] = set()
        self.answers: list[dict[str, Any]] = []

    async def request(self, method: str, path: str, **params: Any) -> dict[str, Any]:
        query = "&".join(f"{name}={value}" for name, value in {**params, "timestamp": self._now_ms()}.items())
        signature = hmac.new(b"secret", query.encode(), hashlib.sha256).hexdigest()
        url = f"{self._url}/{HOST}{path}?{query}&signature={signature}"
        async with self._session.request(method, url, headers={"X-MBX-APIKEY": "key"}) as answer:
            return msgspec.json.decode(await answer.read())

    def send(self, path: str, **params: Any) -> None:
        async def sent() -> None:
            self.answers.append(await self.request("POST", path, **params))

        task = asyncio.create_task(sent())
        self.sending.add(task)
        task.add_done_callback(self.sending.discard)

    def enter(self, order: PlaceOrder) -> None:
        self.send("/fapi/v1/order", symbol="BTCUSDT", side="BUY" if order.side is Side.LONG else "SELL", type="MARKET",
                  quantity=order.quantity_base, newClientOrderId=order.client_id)

    async def listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        async for message in socket:
            told = msgspec.json.decode(message.data)
            if told["e"] == "ORDER_TRADE_UPDATE" and told["o"]["x"] == "TRADE":
                self._filled(told["o"])
            self.received += 1

    def _filled(self, order: dict[str, Any]) -> None:
        self.told.append(seen(order["c"], order["T"], order["L"], order["l"], order["n"]))
        self.flat = order["R"]
        if not order["R"]:
            side = Side.LONG if order["S"] == "BUY" else Side.SHORT
            stop = stop_after(order["c"], side, Decimal(order["L"]))
            self.send("/fapi/v1/algoOrder", algoType="CONDITIONAL", symbol="BTCUSDT", type="STOP_MARKET",
                      side="SELL" if side is Side.LONG else "BUY", quantity=stop.quantity_base, reduceOnly="true",
                      workingType="MARK_PRICE", triggerPrice=stop.trigger_price, clientAlgoId=stop.client_id)


async def over_the_wire(blocks: list[EventBlock]) -> list[tuple[Any, ...]]:
    hub = hub_of("binance", latency_ms=LATENCY_MS)
    account = hub.open_account("binance", "key", "secret")
    account.isolated["BTC"] = True
    async with serving(hub, [BinanceDialect(hub)]) as loop, aiohttp.ClientSession() as session:
        trader = Trader(loop.url, session, lambda: hub.now_ms)
        listen_key = (await trader.request("POST", "/fapi/v1/listenKey"))["listenKey"]
        where = f"{ws_url(loop)}/fstream.binance.com/private/ws?listenKey={listen_key}"
        async with session.ws_connect(where) as socket:
            listening = asyncio.create_task(trader.listen(socket))
            await play(hub, loop.server.sockets[0], trader, blocks)
            await socket.close()
            await listening
    assert hub.unknown == []
    assert [answer for answer in trader.answers if "code" in answer] == []
    return trader.told


async def play(hub: Hub, socket: Any, trader: Trader, blocks: list[EventBlock]) -> None:
    async def reacted() -> None:
        """The client has seen everything, and whatever it sends has arrived and waits for market time."""
        while trader.received < socket.sent or len(trader.sending) > hub.held:  # noqa: ASYNC110 - it is a few turns
            await asyncio.sleep(0)

    hub.quiesce = reacted
    number = 0
    trader.send("/fapi/v1/leverage", symbol="BTCUSDT", leverage=10)
    await reacted()
    for block in blocks:
        await hub.advance(block)
        if trader.flat and hub.now_ms % 5_000 == 0:
            number, trader.flat = number + 1, False
            trader.enter(entry(number))
            await reacted()


@pytest.mark.parametrize("seconds", [300])
async def test_fills_are_the_same_in_process_and_over_the_wire(seconds: int) -> None:
    blocks = walk(seconds)
    expected = in_process(blocks)
    assert len(expected) > 12
    assert {name[0] for name, *_ in expected} == {"e", "s"}
    assert await patiently(over_the_wire(blocks)) == expected


async def test_a_command_is_held_until_market_time_reaches_it() -> None:
    hub = hub_of("binance", latency_ms=LATENCY_MS)
    account = hub.open_account("binance", "key", "secret")
    waiting = asyncio.create_task(hub.execute(account, SetLeverage("binance", "BTC", 10)))
    await asyncio.sleep(0.01)
    assert hub.held == 1
    await hub.advance(EventBlock(tick_ms=at(0) + LATENCY_MS - 1))
    assert not waiting.done()
    await hub.advance(EventBlock(tick_ms=at(0) + LATENCY_MS))
    (told,) = await patiently(waiting)
    assert (told.time_ms, told.leverage) == (at(0) + LATENCY_MS, 10.0)
    assert hub.held == 0
