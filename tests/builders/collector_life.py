"""A collector's journal written step by step, and a follower of it with a clock that the test moves."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from edge_sink import Gathered
from patience import PATIENCE_S, until

from liqbot.blocks import EventBlock, Roster, block_of
from liqbot.events import Event, Liquidation, MarketEvent, MarkPrice, TradeBar
from liqbot.instruments import Side
from liqbot.journal import Journal
from liqbot.journal.shape import TODAY, KindShape, Shape
from liqbot.journal.tail import Bookmark
from liqbot.runtime.followed_feed import FollowedFeed
from liqbot.runtime.journal_tailer import JournalTailer

T0 = 1_700_000_000_000
ROSTER = Roster(("okx", "binance"), ("ETH", "BTC"))
"""In another order than the follower's."""
OURS = Roster(("binance", "bybit"), ("BTC",))


def market(second: int, venue: str = "binance", coin: str = "BTC") -> list[MarketEvent]:
    at, price = {"time_ms": T0 + second * 1_000, "venue": venue, "coin": coin}, 50_000.0 + second
    return [
        TradeBar(**at, span_ms=1_000, open=price, high=price, low=price, close=price, volume_usd=1e5, buy_usd=5e4,
                 sell_usd=5e4),
        MarkPrice(**at, mark_price=price),
        Liquidation(**at, side=Side.LONG, price=price, size_usd=1e4 + second),
    ]


class Collector:
    """Writes as a collector does, durably with every step."""

    def __init__(self, path: Path, *, shape: Shape = TODAY, roster: Roster = ROSTER) -> None:
        self.path, self.roster = path, roster
        self.journal = Journal.open(path, mode="observe", account="none", roster=roster, shape=shape)

    def write(self, block: EventBlock) -> int:
        seq = self.journal.append(block, "inbox", 1)
        self.journal.wait_durable(seq, PATIENCE_S)
        return seq

    def step(self, second: int, *more: Event | MarketEvent, backfilled: bool = False) -> int:
        happened = [*market(second), *market(second, "okx"), *market(second, coin="ETH"), *more]
        return self.write(block_of(happened, self.roster, tick_ms=T0 + second * 1_000, backfilled=backfilled))

    def close(self) -> None:
        self.journal.close()


class Follower:
    def __init__(self, path: Path, bookmark: Bookmark | None = None, since_s: int = 0, held: bool = False) -> None:
        self.now_ms = T0
        self.held = held
        self.sink = Gathered(OURS)
        self.feed = FollowedFeed(
            JournalTailer(path, bookmark, T0 + since_s * 1_000), OURS, lambda: self.now_ms, held=lambda: self.held
        )

    def at(self, second: float) -> None:
        self.now_ms = T0 + int(second * 1_000)

    @property
    def prints(self) -> list[int]:
        """Which seconds' forced orders came, in order: once each, if all is well."""
        return [(row.time_ms - T0) // 1_000 for row in self.sink.of(Liquidation)]

    @property
    def ticks(self) -> list[int]:
        return [block.tick_ms for block in self.sink.blocks if block.tick_ms is not None]

    def facts_of(self, kind: type[Any]) -> list[Any]:
        return [fact for block in self.sink.blocks for fact in block.facts if isinstance(fact, kind)]

    async def has(self, seconds: Sequence[int]) -> None:
        """AssertionError with what came instead."""
        with contextlib.suppress(AssertionError):
            await until(lambda: self.prints == list(seconds))
        if self.prints != list(seconds):
            raise AssertionError(f"{self.prints} came, not {list(seconds)}")

    async def has_late(self, seconds: Sequence[int]) -> None:
        """What came after a Tick of its own waits for the next one: its clock goes on."""
        until_s = asyncio.get_running_loop().time() + PATIENCE_S
        while self.prints != list(seconds):
            assert asyncio.get_running_loop().time() < until_s, f"{self.prints} came, not {list(seconds)}"
            await asyncio.sleep(0.3)
            self.now_ms += 300

    def bookmark(self) -> Bookmark:
        """As our own journal would have it."""
        last = [block for block in self.sink.blocks if block.source][-1]
        assert last.tick_ms is not None
        return Bookmark(last.source.removeprefix("journal "), last.source_seq, last.tick_ms)


@contextlib.asynccontextmanager
async def following(follower: Follower) -> AsyncIterator[Follower]:
    running = asyncio.create_task(follower.feed.run(follower.sink))  # type: ignore[arg-type]
    try:
        await until(lambda: follower.feed._began_ms, "it has begun, at the time that its clock shows")
        yield follower
        if running.done():
            running.result()
    finally:
        running.cancel()
        await asyncio.wait([running])


def without_column(shape: Shape, kind: str, column: str) -> Shape:
    """As a program wrote it that did not know the column yet, and had its kinds in another order."""
    def kept(one: KindShape) -> KindShape:
        columns = tuple(pair for pair in one.columns if (one.kind, pair[0]) != (kind, column))
        return msgspec.structs.replace(one, columns=columns)

    return Shape(tuple(kept(one) for one in reversed(shape.kinds)))
