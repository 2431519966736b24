"""The other side of `all_venues.py`, in a process of its own: every venue on one port, in a cascade on all of them.

Counts what leaves on the wire, contract by contract. What it costs is not the receiver's.
"""

import asyncio
import contextlib
import random
import time
from collections import deque
from multiprocessing.connection import Connection
from typing import Any, Final

import msgspec
from _cascade_rates import (
    CASCADE,
    FUNDING_S,
    MARKS_S,
    OPEN_INTEREST_S,
    TRADES_FORCED,
    usual_trades_s,
)

from liqbot.blocks import EventBlock, Roster, block_of
from liqbot.events import FundingRate, Liquidation, MarketEvent, MarkPrice, OpenInterest, TradeBar
from liqbot.instruments import FundingStage, Instrument, Side, split_venue_key
from liqbot.venues.registry import VENUES
from paper.dialects.hub import Hub, HubParams
from paper.dialects.market_data.contracts import MarketContract
from paper.dialects.market_data.dialect import MarketDataDialect
from paper.dialects.server import Server
from paper.dialects.serving import DIALECTS, dialect_class, dialects_of, running
from paper.dialects.trade_prints import TradePrint
from paper.exchange import PaperParams
from paper.sessions.listings import paper_instruments

COINS: Final = ("BTC", "ETH")
PRICES: Final = {"BTC": 50_000.0, "ETH": 2_500.0}
STEP_S: Final = 0.05
SPREAD_MS: Final = 10
"""Within so many ms before they leave the trades of a step are dated."""
SWEEP_MEAN: Final = 3.0
"""Trades that one taker's order makes in the same ms, on average."""
READ: Final = tuple(one for one in DIALECTS if VENUES[one].wire is not None)
PAUSED_TRADES_S: Final = 2.0


class Sent(msgspec.Struct):
    """Of one contract: what left, since the beginning."""

    trades: int = 0
    trades_usd: float = 0.0
    forced: int = 0
    marks: int = 0
    last_mark: float = 0.0
    open_interest: int = 0
    funding: int = 0


def listed(venues: tuple[str, ...]) -> list[Instrument]:
    found: list[Instrument] = []
    for venue in venues:
        kind = dialect_class(venue)
        found += kind.listed_instruments(COINS) if issubclass(kind, MarketDataDialect) else paper_instruments(
            venue, COINS)
    return found


class CountingServer(Server):
    """Messages and bytes by venue, as they are queued."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.messages: dict[str, int] = {}
        self.bytes: dict[str, int] = {}

    def _send(self, room: Any, topic: str, message: bytes, account: Any) -> None:
        before = sum(socket.sent for socket in room.sockets)
        super()._send(room, topic, message, account)
        sent = sum(socket.sent for socket in room.sockets) - before
        venue = room.dialect.venue
        self.messages[venue] = self.messages.get(venue, 0) + sent
        self.bytes[venue] = self.bytes.get(venue, 0) + sent * len(message)


class Contract:
    """One contract: its price walks, its rates, what of it has left."""

    def __init__(self, instrument: Instrument, chance: random.Random, *, forced_in_trades: bool) -> None:
        self.venue_key, self.coin, self.chance = instrument.venue, instrument.coin, chance
        venue = split_venue_key(instrument.venue)[0]
        self.price, self.sent, self.forced_in_trades = PRICES[instrument.coin], Sent(), forced_in_trades
        self.usual_s = usual_trades_s(instrument.venue, instrument.coin)
        known = VENUES[venue].liquidations.completeness
        streamed = {feed for stream in VENUES[venue].wire.streams for feed in stream.feeds}  # type: ignore[union-attr]
        self.forces = None if "liquidation" not in streamed else known or "complete"
        self.told: MarketContract | None = None
        """How the venue writes it, where it is only read."""
        self._forced_second = 0
        self._next = {"mark": chance.random() / MARKS_S, "oi": 0.0, "funding": 0.0}

    def rows(self, now_ms: int, trades_s: float, *, forcing: bool) -> list[MarketEvent]:
        found: list[MarketEvent] = []
        key = {"venue": self.venue_key, "coin": self.coin}
        self._figures(found, now_ms, key)
        self._trades(found, now_ms, trades_s, key)
        if forcing and self.forces is not None:
            self._forced(found, now_ms, trades_s, key)
        return found

    def _figures(self, found: list[MarketEvent], now_ms: int, key: dict[str, Any]) -> None:
        now_s = now_ms / 1_000
        if self._due("mark", now_s, 1.0 / MARKS_S):
            price = round(self.price + self.chance.randint(-20, 20) / 10, 1)
            found.append(MarkPrice(time_ms=now_ms, mark_price=price, index_price=price - 1.0, **key))
            self.sent.marks, self.sent.last_mark = self.sent.marks + 1, price
        if self._due("oi", now_s, OPEN_INTEREST_S):
            found.append(OpenInterest(time_ms=now_ms, oi_usd=1e9 + self.chance.randint(0, 10**6), **key))
            self.sent.open_interest += 1
        if self._due("funding", now_s, FUNDING_S):
            found.append(FundingRate(time_ms=now_ms, rate_pct=self.chance.randint(1, 300) / 10_000, interval_h=8.0,
                                     rate_stage=FundingStage.FORECAST, **key))
            self.sent.funding += 1

    def _due(self, what: str, now_s: float, period_s: float) -> bool:
        if now_s < self._next[what]:
            return False
        self._next[what] = now_s + period_s
        return True

    def _trades(self, found: list[MarketEvent], now_ms: int, trades_s: float, key: dict[str, Any]) -> None:
        chance, wanted = self.chance, trades_s * STEP_S / SWEEP_MEAN
        sweeps = int(wanted) + (chance.random() < wanted % 1.0)
        for _ in range(sweeps):
            at_ms = now_ms - chance.randrange(SPREAD_MS)
            self.price = max(1.0, self.price * (1.0 + chance.gauss(0.0, 2e-5)))
            buys = chance.random() < 0.5
            for level in range(1 + int(chance.expovariate(1.0 / (SWEEP_MEAN - 0.5)))):
                price = round(self.price + (level if buys else -level) * 0.1, 1)
                usd = 2_000.0 + chance.expovariate(1e-4)
                found.append(TradeBar(time_ms=at_ms, span_ms=1, open=price, high=price, low=price, close=price,
                                      volume_usd=usd, buy_usd=usd if buys else 0.0, **key))

    def _forced(self, found: list[MarketEvent], now_ms: int, trades_s: float, key: dict[str, Any]) -> None:
        """A venue that samples tells one a second, so no more happen there: what it leaves out is not sent."""
        wanted = trades_s * STEP_S / TRADES_FORCED
        count = int(wanted) + (self.chance.random() < wanted % 1.0)
        if self.forces == "sampled":
            count = 1 if now_ms // 1_000 > self._forced_second and count else 0
        for number in range(count):
            self._forced_second = now_ms // 1_000
            price = round(self.price, 1)
            found.append(Liquidation(time_ms=now_ms - number % SPREAD_MS, side=Side.LONG, price=price,
                                     size_usd=3_000.0 + self.chance.expovariate(5e-5), **key))

    def count(self, hub: Hub, forced: list[tuple[Any, ...]]) -> None:
        prints = hub.printed(self.venue_key, self.coin)
        self.sent.trades += len(prints)
        self.sent.trades_usd += sum(self._usd(one) for one in prints)
        self.sent.forced += len(forced)
        if self.forced_in_trades:
            self.sent.trades += len(forced)
            self.sent.trades_usd += sum(self._forced_usd(row[5], row[4]) for row in forced)

    def _usd(self, one: TradePrint) -> float:
        """As the venue writes it, in whole steps of its own unit."""
        if self.told is None:
            return one.quantity_base * one.price
        return self._worth(self.told, float(self.told.traded(one)), one.price)

    def _forced_usd(self, size_usd: float, price: float) -> float:
        if self.told is None:
            return size_usd
        return self._worth(self.told, float(max(self.told.amount(size_usd, price), self.told.lot)), price)

    @staticmethod
    def _worth(told: MarketContract, amount: float, price: float) -> float:
        return amount * float(told.size) * (1.0 if told.inverse else price)


class Cascade:
    """Every venue: paused (a few trades, so that each line is seen to live), silent, or in a cascade."""

    def __init__(self, venues: tuple[str, ...], seed: int) -> None:
        self.venues, chance = venues, random.Random(seed)
        instruments = listed(venues)
        self.roster = Roster(tuple(dict.fromkeys(one.venue for one in instruments)), COINS)
        self.hub = Hub(self.roster, instruments, PaperParams(), HubParams(spread_trades=False))
        self.hub.quiesce = _go_on
        self.contracts = [
            Contract(one, random.Random(chance.random()), forced_in_trades=bool(
                getattr(dialect_class(split_venue_key(one.venue)[0]), "forced_in_trades", False)))
            for one in instruments
        ]
        dialects = dialects_of(self.hub, venues)
        self.server = CountingServer(self.hub, dialects)
        told = {(one.venue_key, one.coin): one for dialect in dialects if isinstance(dialect, MarketDataDialect)
                for one in dialect.contracts}
        for one in self.contracts:
            one.told = told.get((one.venue_key, one.coin))
        self.factor, self.forcing, self.trading = 0.0, True, True
        self.late_ms: deque[float] = deque(maxlen=20_000)
        """How long a step took from its time to the last of it queued, of the newest steps."""

    def block(self) -> EventBlock:
        now_ms = time.time_ns() // 1_000_000
        rows: list[MarketEvent] = []
        for one in self.contracts:
            rate_s = one.usual_s * self.factor if self.factor else PAUSED_TRADES_S
            rows += one.rows(now_ms, rate_s if self.trading else 0.0, forcing=self.forcing and self.trading)
        rows.sort(key=lambda row: row.time_ms)
        return block_of(rows, self.roster, tick_ms=now_ms)

    async def live(self) -> None:
        due_s = time.monotonic()
        while True:
            due_s = max(due_s + STEP_S, time.monotonic() - 1.0)
            await asyncio.sleep(max(0.0, due_s - time.monotonic()))
            block = self.block()
            await self.hub.advance(block)
            self._count(block)
            self.late_ms.append(time.time_ns() / 1e6 - (block.tick_ms or 0))

    def _count(self, block: EventBlock) -> None:
        forced: dict[tuple[int, int], list[tuple[Any, ...]]] = {}
        for row in block.liquidations.tolist():
            forced.setdefault((row[1], row[2]), []).append(row)
        for one in self.contracts:
            key = self.roster.venue_code(one.venue_key), self.roster.coin_code(one.coin)
            one.count(self.hub, forced.get(key, []))

    async def obey(self, orders: Connection) -> None:
        async with running(self.server) as loop:
            self.hub.warm([self.block()])
            orders.send((loop.url, self.roster.venues))
            living = asyncio.create_task(self.live())
            with contextlib.suppress(EOFError):
                while (order := await asyncio.to_thread(orders.recv))[0] != "over":
                    if living.done():
                        living.result()
                    orders.send(await self._answered(*order))
            living.cancel()
            orders.send(sorted(set(self.hub.unknown)))

    async def _answered(self, word: str, *rest: Any) -> Any:
        match word:
            case "pace":  # times the usual rate; 0: a few trades a second
                self.factor, self.trading = rest[0], True
                self.late_ms.clear()
            case "silent":  # no trades and no forced orders; what was sent has left
                self.trading = False
                await asyncio.sleep(2 * STEP_S)
                await self.server.flushed()
        late = sorted(self.late_ms) or [0.0]
        return {
            "contracts": {f"{one.venue_key} {one.coin}": msgspec.to_builtins(one.sent) for one in self.contracts},
            "messages": dict(self.server.messages), "bytes": dict(self.server.bytes),
            "queued": sum(len(one.queue) for one in self.server.sockets), "sockets": len(self.server.sockets),
            "late_ms": [late[len(late) // 2], late[int(len(late) * 0.99)], late[-1]], "cpu_s": time.process_time(),
        }


async def _go_on() -> None:
    await asyncio.sleep(0)


def cascade_process(orders: Connection, venues: tuple[str, ...], seed: int) -> None:
    asyncio.run(Cascade(venues, seed).obey(orders))


__all__ = ["CASCADE", "READ", "cascade_process"]
