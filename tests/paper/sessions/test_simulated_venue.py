"""A live house on the simulated exchange: the market goes on while a disk is waited for, and protection leaves."""

import asyncio
from concurrent.futures import Future
from typing import Self

from law_four import GivenJournal, ScriptedEngine
from paper_house import BTC, COIN, VENUE, D, bar, block, exchange_with, order
from patience import PATIENCE_S, until

from liqbot.commands import Command, Purpose
from liqbot.events import Fill, OrderAccepted, OrderRejected
from liqbot.runtime.inbox import Inbox
from liqbot.runtime.live_loop import Runtime
from liqbot.runtime.step import NOT_JOURNALED
from paper.sessions.simulated_venue import SimulatedVenue

T0, STEP_MS = 1_700_000_000_000, 1_000
LONG_MS, SHORT_MS = 600_000, 20
ENTRY = order("e1", Purpose.ENTRY)
STOP = order("s1", Purpose.STOP, trigger="95")


class Disk(GivenJournal):
    """Answers at once while it `answers`."""

    answers = False

    def durable(self, seq: int | None = None) -> "Future[None]":
        future = super().durable(seq)
        if self.answers:
            future.set_result(None)
        return future


class LivePaper:
    """Runtime, inbox and simulated exchange, fed a bar a second by the test; its clock is the newest bar's end."""

    def __init__(self, *script: list[Command], wait_ms: int) -> None:
        self.engine, self.journal, self.inbox = ScriptedEngine(*script), Disk(), Inbox()
        self.exchange = exchange_with(latency_ms=0, market_slippage_bps=0)
        self.now_ms, self.stop = T0, asyncio.Event()
        venue = SimulatedVenue(self.exchange, lambda: self.now_ms)
        self.runtime = Runtime(
            self.engine, self.journal, venue, self.inbox, protective_wait_ms=wait_ms, first=venue.meet
        )

    async def __aenter__(self) -> Self:
        self.task = asyncio.create_task(self.runtime.run([self], self.stop))
        return self

    async def __aexit__(self, *_: object) -> None:
        self.stop.set()
        for future in self.journal.futures:
            if not future.done():
                future.set_result(None)
        await asyncio.wait({self.task}, timeout=PATIENCE_S)
        self.task.result()

    async def run(self, inbox: Inbox) -> None:
        """As a feed: nothing of its own."""
        del inbox
        await asyncio.Event().wait()

    async def bar(self) -> None:
        """A second passes, and is folded."""
        self.now_ms += STEP_MS
        ticks = sum(one.tick_ms is not None for one in self.engine.seen)
        self.inbox.put(block(self.now_ms, bar(self.now_ms, (100.0,) * 4, span_ms=STEP_MS)))
        await until(lambda: sum(one.tick_ms is not None for one in self.engine.seen) > ticks)

    async def bars_until(self, kind: type) -> object:
        """Bars until such a fact has been folded."""
        for _ in range(50):
            if found := self.told(kind):
                return found[0]
            await self.bar()
        raise AssertionError(f"no {kind.__name__} was told")

    def told(self, kind: type) -> list[object]:
        return [fact for fact in self.engine.facts if isinstance(fact, kind)]


async def test_the_market_goes_on_while_an_entry_waits_for_the_disk() -> None:
    async with LivePaper([ENTRY], wait_ms=LONG_MS) as live:
        for _ in range(4):
            await live.bar()
        assert live.exchange.quote(VENUE, COIN).bar_ms == live.now_ms
        assert live.exchange.on_the_way == ()
        left_ms = live.now_ms
        live.journal.futures[0].set_result(None)
        accepted = await live.bars_until(OrderAccepted)
        assert accepted.time_ms >= left_ms, "it takes effect when it left, not when it was decided"
        await live.bars_until(Fill)
        assert live.exchange.accounts.holding((BTC.venue, BTC.coin)).quantity_base == D("0.1")


async def test_with_a_hung_disk_a_stop_leaves_and_an_entry_does_not() -> None:
    async with LivePaper(wait_ms=SHORT_MS) as live:
        live.engine.script = [[ENTRY]]
        live.journal.answers = True
        await live.bars_until(Fill)
        live.journal.answers = False
        live.engine.script = [[STOP, order("e2", Purpose.ENTRY)]]
        await live.bar()
        await until(lambda: live.told(OrderRejected))
        assert [(one.client_id, one.code) for one in live.told(OrderRejected)] == [("e2", NOT_JOURNALED)]
        await live.bar()
        assert [one.command.client_id for one in live.exchange.accounts.resting((VENUE, COIN))] == ["s1"]
        assert not live.journal.futures[-1].done()


async def test_what_happened_is_told_before_the_block_that_it_happened_in() -> None:
    async with LivePaper([ENTRY], wait_ms=LONG_MS) as live:
        await live.bar()
        live.journal.futures[0].set_result(None)
        fill = await live.bars_until(Fill)
        places = [place for place, one in enumerate(live.engine.seen) if fill in one.facts]
        assert live.engine.seen[places[0] + 1].tick_ms >= fill.time_ms
