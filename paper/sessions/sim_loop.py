"""`SimLoop`: the engine with a simulated exchange around it; one plain loop body for backtest, paper and simulate.

It carries out what `WriteAhead` asks for. Market time stands still while a disk is waited for, so nothing expires here:
the journal answers, or reports that it cannot be written. A market that goes on by itself is `Runtime`'s business.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

from liqbot.blocks import EventBlock
from liqbot.commands import Command
from liqbot.engine import Engine, Step
from liqbot.events import Event
from liqbot.journal.errors import JournalStuckError
from liqbot.observers.observer import OnStep
from liqbot.runtime import step as rule
from liqbot.runtime.assembly import snapshot_version
from paper.exchange.exchange import React


class Exchange(Protocol):
    """What the house asks of the venue it trades on."""

    def submit(self, command: Command, time_ms: int) -> None: ...

    def advance(self, block: EventBlock, react: React) -> None: ...


class SimJournal(Protocol):
    """What the loop needs of a journal. Each raises JournalStuckError when it cannot be written."""

    def append(self, block: EventBlock, source: str, source_seq: int) -> int: ...

    def record(self, seq: int, step: Step) -> None: ...

    def save_gap(self, version: str, state: Callable[[], bytes]) -> None: ...

    def wait_durable(self, seq: int | None = None) -> None: ...


class NoJournal:
    """Where nothing is kept everything is durable at once."""

    def append(self, block: EventBlock, source: str, source_seq: int) -> int:
        """Sequence numbers are those of the blocks."""
        del block, source
        return source_seq

    def record(self, seq: int, step: Step) -> None:
        """Nothing to keep."""

    def save_gap(self, version: str, state: Callable[[], bytes]) -> None:
        """Nothing is refused, so there are no gaps."""

    def wait_durable(self, seq: int | None = None) -> None:
        """Nothing to wait for."""


class SimLoop:
    """No clock and no asyncio of its own: time is in the blocks."""

    def __init__(
        self,
        engine: Engine,
        exchange: Exchange,
        *,
        journal: SimJournal | None = None,
        observers: Sequence[OnStep] = (),
        source: str = "house",
    ) -> None:
        """`observers` see every block the journal took, facts and market alike, after its Step is recorded."""
        self.engine, self.exchange = engine, exchange
        self._journal, self._observers, self._source = journal or NoJournal(), tuple(observers), source
        self._rule = rule.WriteAhead(engine, wait_ms=0)
        self._leaving: list[Command] = []
        self._facts: list[Event] = []

    def open(self, facts: tuple[Event, ...]) -> Step:
        """Feed what must be known before the first market block: who we are, then what the exchange says about us."""
        return self.tell(facts)

    def tell(self, facts: tuple[Event, ...]) -> Step:
        """Facts that come outside the market's clock: a reconciliation, an operator's command."""
        self._feed_back()
        return self._process(EventBlock(facts=facts))

    def step(self, block: EventBlock) -> Step:
        """One clock step. Orders already at the exchange meet this block's prices first; the engine may answer what
        becomes of them inside the bar. Then it sees the block, and what it decides there meets the next one."""
        self._feed_back()
        self.exchange.advance(block, self._react)
        return self._process(block)

    def _feed_back(self) -> None:
        """What was reported about commands that never left."""
        facts, self._facts = tuple(self._facts), []
        if facts:
            self._process(EventBlock(facts=facts))

    def _react(self, facts: tuple[Event, ...], time_ms: int) -> tuple[Command, ...]:
        del time_ms  # the facts carry their own
        return self._take(EventBlock(facts=facts))[1]

    def _process(self, block: EventBlock) -> Step:
        step, commands = self._take(block)
        for command in commands:
            self.exchange.submit(command, step.time_ms)
        return step

    def _take(self, block: EventBlock) -> tuple[Step, tuple[Command, ...]]:
        """The Step, and those of its commands that may leave."""
        requests = self._rule.take(block, self._now_ms())
        answer: Any = None
        try:
            while True:
                answer = self._answered(requests.send(answer))
        except StopIteration as taken:
            step: Step = taken.value
        leaving, self._leaving = tuple(self._leaving), []
        return step, leaving

    def _now_ms(self) -> int:
        """Of the rule's clock, which stands still here."""
        return 0

    def _answered(self, request: rule.Request) -> Any:
        if isinstance(request, rule.AppendBlock):
            return self._append(request.block, request.source_seq)
        if isinstance(request, rule.RecordStep):
            return self._record(request.seq, request.step)
        if isinstance(request, rule.SaveState):
            return self._save_state()
        if isinstance(request, rule.RequestDurable):
            self._perform(self._durable(request.seq))
        else:
            self._perform((request,))
        return None

    def _append(self, block: EventBlock, source_seq: int) -> int | None:
        try:
            return self._journal.append(block, self._source, source_seq)
        except JournalStuckError:
            return None

    def _record(self, seq: int, step: Step) -> bool:
        try:
            self._journal.record(seq, step)
        except JournalStuckError:
            return False
        return True

    def _save_state(self) -> bool:
        try:
            self._journal.save_gap(snapshot_version(), self.engine.snapshot)
        except JournalStuckError:
            return False
        return True

    def _durable(self, seq: int) -> Iterable[rule.Request]:
        try:
            self._journal.wait_durable(seq)
        except JournalStuckError:
            return self._rule.not_durable(seq)
        return self._rule.durable(seq)

    def _perform(self, requests: Iterable[rule.Request]) -> None:
        for request in requests:
            if isinstance(request, rule.ObserveStep):
                for observe in self._observers:
                    observe(request.seq, request.block, request.step, self.engine)
            elif isinstance(request, rule.SendCommands):
                self._leaving += request.commands
            elif isinstance(request, rule.ReportFacts):
                self._facts += request.facts
