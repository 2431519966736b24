"""The live loop over journals that answer late, never, or not at all: protection leaves and the loop goes on."""

import asyncio
import sqlite3
from pathlib import Path

from law_four import GivenJournal, ScriptedEngine, Sink, command
from patience import PATIENCE_S, until

from liqbot.blocks import EventBlock, Roster
from liqbot.engine import Engine, Step
from liqbot.events import Halt, OrderRejected
from liqbot.journal import Journal, JournalLimits
from liqbot.runtime.inbox import Inbox
from liqbot.runtime.live_loop import Runtime
from liqbot.runtime.step import NOT_JOURNALED

ENTRY, STOP, EXIT = (command(kind, 1) for kind in ("entry", "stop", "exit"))
LONG_MS, SHORT_MS = 600_000, 20

class Live:
    """A loop that runs, fed by the test."""

    def __init__(self, *script, wait_ms=LONG_MS, journal=None):
        self.engine, self.journal, self.sink = ScriptedEngine(*script), journal or GivenJournal(), Sink()
        self.inbox, self.stop, self.observed = Inbox(), asyncio.Event(), []
        self.runtime = Runtime(
            self.engine, self.journal, self.sink, self.inbox, (self._observe,), protective_wait_ms=wait_ms
        )
        self.ticks = 0

    def _observe(self, seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        del block, step
        self.observed.append((seq, engine.folded))

    def tick(self) -> None:
        self.ticks += 1
        self.inbox.put(EventBlock(tick_ms=self.ticks))

    async def __aenter__(self):
        self.task = asyncio.create_task(self.runtime.run([self], self.stop))
        return self

    async def __aexit__(self, failure, *_):
        self.stop.set()
        if failure is not None:
            self.task.cancel()
        await asyncio.wait({self.task}, timeout=PATIENCE_S)
        if failure is None:
            assert self.task.done(), "the loop does not end"
            self.task.result()

    async def run(self, inbox: Inbox) -> None:
        """As a feed: nothing of its own."""
        del inbox
        await asyncio.Event().wait()

    async def folded(self, blocks: int) -> None:
        await until(lambda: self.engine.folded >= blocks)

    def rejections(self):
        return [(fact.client_id, fact.code) for fact in self.engine.facts if isinstance(fact, OrderRejected)]


async def test_nothing_leaves_until_the_disk_answers_then_all_of_it_in_order() -> None:
    async with Live([ENTRY, STOP]) as live:
        live.tick()
        await live.folded(1)
        assert live.sink.sent == []
        live.journal.futures[0].set_result(None)
        await until(lambda: live.observed)
        assert live.sink.sent == [ENTRY, STOP]


async def test_a_disk_that_never_answers_holds_no_reduction_back_and_lets_no_entry_go() -> None:
    async with Live([ENTRY, STOP], wait_ms=SHORT_MS) as live:
        live.tick()
        await until(live.rejections)
        assert live.sink.sent == [STOP]
        assert live.rejections() == [("entry1", NOT_JOURNALED)]


async def test_while_an_entry_waits_for_the_disk_the_next_blocks_are_decided() -> None:
    """Blocks with other positions' protection never queue behind a waiting entry."""
    async with Live([ENTRY], (), [STOP]) as live:
        for _ in range(3):
            live.tick()
        await live.folded(3)
        assert live.sink.sent == []
        assert live.observed[:2] == [(1, 1), (2, 2)], "each observed with the engine as its Step left it"
        live.journal.futures[1].set_result(None)
        await until(lambda: live.sink.sent)
        assert live.sink.sent == [ENTRY, STOP], "what covers the later Step covers the earlier one"


async def test_with_a_hung_disk_every_later_reduction_leaves_too() -> None:
    exits = [command("exit", number) for number in range(5)]
    async with Live(*[[one] for one in exits], wait_ms=SHORT_MS) as live:
        for _ in exits:
            live.tick()
        await until(lambda: len(live.sink.sent) == len(exits))
        assert live.sink.sent == exits


async def test_an_entry_whose_intent_is_durable_too_late_is_never_sent() -> None:
    async with Live([ENTRY, STOP], [EXIT], wait_ms=SHORT_MS) as live:
        live.tick()
        await until(live.rejections)
        live.journal.futures[0].set_result(None)
        live.tick()
        await until(lambda: EXIT in live.sink.sent)
    assert live.sink.sent == [STOP, EXIT]


async def test_a_disk_that_reports_failure_is_waited_for_no_longer() -> None:
    async with Live([ENTRY, STOP]) as live:
        live.tick()
        await live.folded(1)
        live.journal.fail()
        await until(live.rejections)
        assert live.sink.sent == [STOP]


async def test_a_full_journal_lets_the_exit_leave_and_nobody_observes() -> None:
    async with Live([ENTRY, EXIT], [STOP], wait_ms=SHORT_MS) as live:
        live.journal.full = True
        live.tick()
        await until(live.rejections)
        assert live.sink.sent == [EXIT]
        assert live.observed == []
        assert live.journal.waits_s[:2] == [0.0, SHORT_MS / 1000], "the loop itself never waits for room"
        live.journal.full = False
        live.tick()
        await until(lambda: live.journal.futures)
        live.journal.futures[0].set_result(None)
        await until(lambda: STOP in live.sink.sent)


async def test_a_step_that_finds_no_room_does_not_end_the_loop() -> None:
    async with Live([ENTRY, EXIT], [STOP]) as live:
        live.journal.steps_refused = True
        live.tick()
        await until(live.rejections)
        assert live.sink.sent == [EXIT]
        assert live.observed == []


async def test_the_end_sees_everything_off() -> None:
    live = Live([ENTRY, STOP], wait_ms=SHORT_MS)
    async with live:
        live.tick()
        await live.folded(1)
    assert live.sink.sent == [STOP]
    assert live.rejections() == [("entry1", NOT_JOURNALED)]
    assert live.observed[0] == (1, 1)


async def test_one_block_by_itself_is_seen_off() -> None:
    live = Live([STOP], wait_ms=SHORT_MS)
    step = await live.runtime.process(EventBlock(tick_ms=1, facts=(Halt(time_ms=1, reason="x"),)))
    assert step.commands == (STOP,)
    assert live.sink.sent == [STOP]
    assert live.runtime.steps_waiting == 0


async def test_a_real_journal_whose_file_is_locked_for_ever(tmp_path: Path) -> None:
    """Nothing ever fails here, nothing ever answers: only time lets the exit go."""
    path = tmp_path / "journal.sqlite"
    limits = JournalLimits(stuck_after_ms=600_000, queue_rows_max=5)
    journal = Journal.open(path, mode="demo", account="x", roster=Roster(("binance",), ("BTC",)), limits=limits)
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    exits = [[command("exit", number)] for number in range(8)]
    try:
        async with Live([ENTRY], *exits, journal=journal, wait_ms=SHORT_MS) as live:
            for _ in range(9):
                live.tick()
            await until(lambda: len(live.sink.sent) == 8)
            await until(live.rejections)
        assert live.sink.sent == [one for (one,) in exits]
        assert len(live.observed) < 9, "the queue was full before the last of them"
    finally:
        blocker.execute("ROLLBACK")
        blocker.close()
        journal.close()
