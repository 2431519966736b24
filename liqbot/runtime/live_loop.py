"""The live loop: carries out what `WriteAhead` asks for, between the inbox, the journal, the broker and observers.

Nothing here waits for the disk: while one Step's commands wait to become durable, the next blocks are taken, and a
timer lets go what may leave without.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from typing import Any, Final, Protocol

import structlog

from liqbot.blocks import EventBlock
from liqbot.commands import Command
from liqbot.engine import Engine, Step
from liqbot.events import Event
from liqbot.journal.errors import JournalStuckError
from liqbot.observers.observer import OnStep
from liqbot.runtime import step as rule
from liqbot.runtime.assembly import snapshot_version
from liqbot.runtime.inbox import Inbox
from liqbot.runtime.pump import Feed, pump

First = Callable[[EventBlock], tuple[Event, ...]]
"""Asked before every block for facts that the engine must know before it takes that one."""
SOURCE: Final = "inbox"
PROTECTIVE_WAIT_MS: Final = 1_000
_log = structlog.get_logger(__name__)


def nothing_first(_block: EventBlock) -> tuple[Event, ...]:
    """Where nothing comes before a block."""
    return ()


class CommandSink(Protocol):
    """Sends commands; whatever the venue answers comes back through the inbox as facts."""

    async def send(self, commands: Sequence[Command], now_ms: int) -> None: ...


class LiveJournal(Protocol):
    """What the loop needs of a journal. Each raises JournalStuckError when it cannot be written; `wait_s` bounds how
    long a full one is waited for."""

    def append(self, block: EventBlock, source: str, source_seq: int, wait_s: float | None = None) -> int: ...

    def record(self, seq: int, step: Step, wait_s: float | None = None) -> None: ...

    def save_gap(self, version: str, state: Callable[[], bytes], wait_s: float | None = None) -> None: ...

    def durable(self, seq: int | None = None) -> Future[None]: ...

    @property
    def trouble(self) -> JournalStuckError | None:
        """Why nothing can be written at present, although records may still be taken."""


class Runtime:
    """One engine, one journal, one broker, any number of feeds and observers."""

    def __init__(
        self, engine: Engine, journal: LiveJournal, broker: CommandSink, inbox: Inbox,
        observers: Sequence[OnStep] = (), *, protective_wait_ms: int = PROTECTIVE_WAIT_MS,
        first: First = nothing_first,
    ) -> None:
        """What only reduces risk waits for the disk no longer than `protective_wait_ms`."""
        self._engine, self._journal, self._broker = engine, journal, broker
        self._inbox, self._observers, self._first = inbox, tuple(observers), first
        self._rule = rule.WriteAhead(engine, wait_ms=protective_wait_ms)
        self._due: deque[rule.Request] = deque()
        self._changed = asyncio.Event()
        self._performing = asyncio.Lock()
        self._refusing = False

    async def run(self, feeds: Sequence[Feed], stop: asyncio.Event) -> None:
        """Until `stop` is set or every feed has ended; what waits is still processed. Errors of any task are raised."""
        await pump(self._inbox, self._consume, feeds, stop, beside=self._release)

    def enter_nothing(self) -> None:
        """From this instant on nothing that adds risk leaves."""
        self._rule.enter_nothing()

    async def process(self, block: EventBlock) -> Step:
        """Take one block and see its commands off: they have left or never will."""
        step = await self._take(block)
        await self._release(until_idle=True)
        return step

    @property
    def steps_waiting(self) -> int:
        """Steps whose commands wait for the disk."""
        return self._rule.steps_waiting

    async def _consume(self) -> None:
        while (block := await self._next()) is not None:
            facts = self._first(block)
            if facts:
                await self._take(EventBlock(facts=facts))
            await self._take(block)

    async def _next(self) -> EventBlock | None:
        """None once nothing can come any more: what waits has been seen off, and what followed from that is taken."""
        block = await self._inbox.take()
        if block is None:
            await self._release(until_idle=True)
            block = await self._inbox.take()
        return block

    async def _take(self, block: EventBlock) -> Step:
        requests = self._rule.take(block, self._now_ms())
        answer: Any = None
        try:
            while True:
                answer = await self._answered(requests.send(answer))
        except StopIteration as taken:
            step: Step = taken.value
        await self._perform(())
        return step

    async def _answered(self, request: rule.Request) -> Any:
        if isinstance(request, rule.AppendBlock):
            return await self._append(request)
        if isinstance(request, rule.RecordStep):
            return self._record(request)
        if isinstance(request, rule.SaveState):
            return self._save_state()
        if isinstance(request, rule.RequestDurable):
            return self._request_durable(request.seq)
        return await self._perform((request,))

    # --- the journal ----------------------------------------------------------------------------------------------

    async def _append(self, request: rule.AppendBlock) -> int | None:
        """Whatever became due meanwhile goes first: observers of an earlier block need the engine as it still is."""
        await self._perform(())
        try:
            seq = await self._appended(request)
        except JournalStuckError as refusal:
            self._note(refusal)
            return None
        self._note(self._journal.trouble)
        return seq

    async def _appended(self, request: rule.AppendBlock) -> int:
        block = request.block
        arguments = (block, block.source or SOURCE, block.source_seq if block.source else request.source_seq)
        try:
            return self._journal.append(*arguments, 0.0)
        except JournalStuckError:
            if not request.room_wait_ms:
                raise
        # In a thread: whoever talks to a venue meanwhile must not wait for the disk.
        return await asyncio.to_thread(self._journal.append, *arguments, request.room_wait_ms / 1000)

    def _record(self, request: rule.RecordStep) -> bool:
        try:
            self._journal.record(request.seq, request.step, 0.0)
        except JournalStuckError as refusal:
            self._note(refusal)
            return False
        return True

    def _save_state(self) -> bool:
        try:
            self._journal.save_gap(snapshot_version(), self._engine.snapshot, 0.0)
        except JournalStuckError as refusal:
            self._note(refusal)
            return False
        return True

    def _note(self, refusal: JournalStuckError | None) -> None:
        """Logged when it begins and when it ends."""
        if (refusal is not None) is not self._refusing:
            self._refusing = refusal is not None
            if refusal is not None:
                _log.error("the journal cannot be written: no entries, stops and exits leave", reason=str(refusal))
            else:
                _log.warning("the journal is written again; what it did not take meanwhile is not in it")

    def _request_durable(self, seq: int) -> None:
        self._changed.set()  # there may be an earlier deadline now
        try:
            future = self._journal.durable(seq)
        except JournalStuckError:
            self._add(self._rule.not_durable(seq))
            return
        loop = asyncio.get_running_loop()

        def report(answered: Future[None]) -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._on_answer, seq, answered)

        future.add_done_callback(report)

    def _on_answer(self, seq: int, answered: Future[None]) -> None:
        error = None if answered.cancelled() else answered.exception()
        if error is not None and not isinstance(error, JournalStuckError):
            _log.error("journal writer failed", reason=repr(error))
        failed = error is not None or answered.cancelled()
        self._add(self._rule.not_durable(seq) if failed else self._rule.durable(seq))

    # --- what leaves ----------------------------------------------------------------------------------------------

    def _add(self, requests: Iterable[rule.Request]) -> None:
        self._due += requests
        self._changed.set()

    async def _release(self, *, until_idle: bool = False) -> None:
        """Carries out what becomes due by an answer of the disk or by time."""
        while True:
            await self._perform(self._rule.expire(self._now_ms()))
            deadline_ms = self._rule.deadline_ms
            if deadline_ms is None and until_idle and not self._due:
                return
            wait_s = None if deadline_ms is None else max(deadline_ms - self._now_ms(), 1) / 1000
            try:
                async with asyncio.timeout(wait_s):
                    await self._changed.wait()
            except TimeoutError:
                continue
            self._changed.clear()

    async def _perform(self, requests: Iterable[rule.Request]) -> None:
        """Strictly in the order in which they became due."""
        self._due += requests
        async with self._performing:
            while self._due:
                if isinstance(self._due[0], rule.ObserveStep):
                    # What left a moment ago goes out, and other venues have their turn, before anybody looks on.
                    await asyncio.sleep(0)
                request = self._due.popleft()
                if isinstance(request, rule.SendCommands):
                    await self._broker.send(request.commands, request.time_ms)
                elif isinstance(request, rule.ReportFacts):
                    self._inbox.put(EventBlock(facts=request.facts))
                elif isinstance(request, rule.ObserveStep):
                    for observe in self._observers:
                        observe(request.seq, request.block, request.step, self._engine)
                    # Nor do they share a turn with the fold of a block that waits already.
                    await asyncio.sleep(0)

    @staticmethod
    def _now_ms() -> int:
        return int(asyncio.get_running_loop().time() * 1000)
