"""The other side of `wire_venues.py`, in a process of its own: a venue spoken by the simulated exchange, behind a line
that can be cut, held or made half-open. What it costs is not the receiver's."""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, Final, Self

from liqbot.blocks import EventBlock, Roster, block_of
from liqbot.events import FundingRate, Liquidation, MarketEvent, MarkPrice, OpenInterest, TradeBar
from liqbot.instruments import FundingStage, Side
from paper.dialects.hub import Hub, HubParams
from paper.dialects.market_data.dialect import MarketDataDialect
from paper.dialects.serving import dialect_class, serving
from paper.exchange import PaperParams
from paper.sessions.listings import paper_instruments

COIN: Final = "BTC"
PRICE: Final = 50_000.0
CHUNK_BARS: Final = 250
Clock = Callable[[], int]


def clock_of(began_s: float, speed: float) -> Clock:
    """The market's time in ms, the same in both processes: from `began_s` on it runs `speed` times as fast."""
    return lambda: int((began_s + (time.time() - began_s) * speed) * 1_000)


class Line:
    """A line to a server: bytes of websockets that exist are held (`stall`: of the server's alone, `half_open`: of
    both), or the connections are cut; new ones are sound."""

    def __init__(self, port: int) -> None:
        self.port, self._server_port = 0, port
        self._open: list[dict[str, Any]] = []
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self.suffer("cut")
        assert self._server is not None
        self._server.close()

    def suffer(self, fault: str) -> int:
        """How many websockets suffer it."""
        sockets = [one for one in self._open if one["socket"]]
        for one in sockets:
            if fault == "cut":
                for writer in one["writers"]:
                    writer.transport.abort()
            else:
                one["held"] |= {"down"} if fault == "stall" else {"down", "up"}
        return len(sockets)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up_reader, up_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        one: dict[str, Any] = {"socket": False, "held": set(), "writers": (writer, up_writer)}
        self._open.append(one)
        try:
            await asyncio.gather(self._pump(one, "up", reader, up_writer), self._pump(one, "down", up_reader, writer))
        finally:
            self._open.remove(one)
            for end in (writer, up_writer):
                end.close()

    async def _pump(
        self, one: dict[str, Any], way: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            while data := await reader.read(2**16):
                if way == "up" and b"pgrade: websocket" in data:
                    one["socket"] = True
                if way not in one["held"]:
                    writer.write(data)
                    await writer.drain()
            writer.close()


class Market:
    """One venue's BTC contract: quiet seconds, bursts and floods, told as the venue tells them."""

    def __init__(self, venue: str, clock: Clock, seed: int) -> None:
        self.venue, self.clock, self.chance = venue, clock, random.Random(seed)
        kind = dialect_class(venue)
        listed = [one for one in kind.listed_instruments((COIN,)) if one.venue == venue] if issubclass(
            kind, MarketDataDialect) else paper_instruments(venue, (COIN,))
        self.roster = Roster((venue,), (COIN,))
        self.hub = Hub(self.roster, listed, PaperParams(), HubParams(wall_clock=False))
        self.dialect = kind(self.hub)
        self.sent_trades = self.sent_forced = 0
        self.traded = False
        self._turn = asyncio.Lock()
        self._time_ms = 0

    def _now_ms(self) -> int:
        """Never the same twice."""
        self._time_ms = max(self._time_ms + 1, self.clock())
        return self._time_ms

    def _block(self, rows: list[MarketEvent]) -> EventBlock:
        return block_of(sorted(rows, key=lambda row: row.time_ms), self.roster,
                        tick_ms=max(row.time_ms for row in rows))

    def second(self, *, traded: bool) -> EventBlock:
        """Marks and the like; with trades and a forced order when it is `traded` in."""
        now_ms, key = self._now_ms(), {"venue": self.venue, "coin": COIN}
        price = PRICE + self.chance.randint(-20, 20)
        rows: list[MarketEvent] = [
            MarkPrice(time_ms=now_ms, mark_price=price, index_price=price - 5.0, **key),
            OpenInterest(time_ms=now_ms, oi_usd=1e9, **key),
            FundingRate(time_ms=now_ms, rate_pct=0.01, interval_h=8.0, rate_stage=FundingStage.FORECAST, **key),
        ]
        if traded:
            rows += [
                TradeBar(time_ms=now_ms, span_ms=1, open=price, high=price, low=price, close=price, volume_usd=1e5,
                         **key),
                Liquidation(time_ms=now_ms, side=Side.LONG, price=price, size_usd=1e5, **key),
            ]
        return self._block(rows)

    async def tell(self, block: EventBlock) -> None:
        async with self._turn:
            await self.hub.advance(block)
            self.sent_trades += len(self.hub.printed(self.venue, COIN))
            self.sent_forced += len(block.liquidations)
            # Some venues tell a forced order as a trade.
            self.sent_trades += len(block.liquidations) if getattr(self.dialect, "forced_in_trades", False) else 0

    async def live(self) -> None:
        """Marks never end; trades and forced orders while it is `traded` in."""
        while True:
            await self.tell(self.second(traded=self.traded))
            await asyncio.sleep(0.05)

    async def quieted(self) -> tuple[int, int]:
        """What was sent ever, once nothing but marks is under way."""
        self.traded = False
        async with self._turn:
            await self.hub.settle()
        return self.sent_trades, self.sent_forced

    async def burst(self, orders: int) -> None:
        """All at once on the wire; a second apart, because some venues tell one order a second alone."""
        end_ms, key = self._now_ms(), {"venue": self.venue, "coin": COIN}
        self._time_ms = end_ms
        await self.tell(self._block([
            Liquidation(time_ms=end_ms - 1_000 * (orders - number - 1), side=Side.LONG, price=PRICE,
                        size_usd=1e5 + number, **key) for number in range(orders)
        ]))

    async def flood(self, trades: int) -> None:
        goal = self.sent_trades + trades
        while self.sent_trades < goal:
            rows = []
            for _ in range(CHUNK_BARS):
                price = PRICE + self.chance.randint(-20, 20)
                rows.append(TradeBar(time_ms=self._now_ms(), venue=self.venue, coin=COIN, span_ms=1, open=price,
                                     high=price + 2, low=price - 1, close=price + 1, volume_usd=1e6, buy_usd=4e5))
            await self.tell(self._block(rows))


async def shuffled(market: Market, blocks: int) -> None:
    """The messages of these blocks reach their sockets in another order than they were told in."""
    public, chance = market.dialect.public, random.Random(7)

    def other_order(block: EventBlock, wanted: set[str]) -> list[tuple[str, bytes]]:
        messages = list(public(block, wanted))
        chance.shuffle(messages)
        return messages

    market.dialect.public = other_order  # type: ignore[method-assign]
    second_ms = market.clock() - 1_000 * 20 * (blocks + 1)
    for _ in range(blocks):
        rows: list[MarketEvent] = []
        for _ in range(20):
            second_ms += 1_000  # Some venues tell one order a second alone.
            now_ms, price = market._now_ms(), PRICE + chance.randint(-20, 20)
            key = {"venue": market.venue, "coin": COIN}
            rows += [TradeBar(time_ms=now_ms, span_ms=1, open=price, high=price, low=price, close=price,
                              volume_usd=1e5, **key),
                     Liquidation(time_ms=second_ms, side=Side.LONG, price=price, size_usd=1e5, **key)]
        await market.tell(market._block(rows))
        await asyncio.sleep(0.05)
    market.dialect.public = public  # type: ignore[method-assign]


def market_process(orders: Connection) -> None:
    """Obeys `(word, arguments...)`, answers each with whatever it found."""
    asyncio.run(_obey(orders))


async def _obey(orders: Connection) -> None:
    while (order := await asyncio.to_thread(orders.recv))[0] == "venue":
        _, venue, began_s, speed, seed = order
        market = Market(venue, clock_of(began_s, speed), seed)
        market.hub.warm([market.second(traded=True)])
        async with serving(market.hub, [market.dialect]) as loop, Line(loop.server.port) as line:
            orders.send(f"http://127.0.0.1:{line.port}")
            living = asyncio.create_task(market.live())
            await _serve(market, line, orders)
            living.cancel()
            orders.send(list(market.hub.unknown))


async def _serve(market: Market, line: Line, orders: Connection) -> None:
    while (order := await asyncio.to_thread(orders.recv))[0] != "over":
        match order:
            case ("tell",):
                market.traded = True
                orders.send(None)
            case ("quiet",):
                orders.send(await market.quieted())
            case ("flood", trades, forced):
                began_s = time.time()
                if forced:
                    await market.burst(forced)
                await market.flood(trades)
                orders.send((*await market.quieted(), began_s))
            case ("shuffled", blocks):
                await shuffled(market, blocks)
                orders.send(await market.quieted())
            case ("suffer", fault):
                orders.send(line.suffer(fault))
