"""`SimLoop`: the engine with a simulated exchange around it; one plain loop body for backtest, paper and simulate."""

from collections.abc import Callable, Sequence
from typing import Protocol

from liqbot.blocks import EventBlock
from liqbot.commands import Command, adds_risk
from liqbot.engine import Engine, Step
from liqbot.events import Event
from liqbot.journal.errors import JournalStuckError

Observer = Callable[[int, EventBlock, Step, Engine], None]
React = Callable[[tuple[Event, ...], int], tuple[Command, ...]]


class Exchange(Protocol):
    """What the house asks of the venue it trades on."""

    def submit(self, command: Command, time_ms: int) -> None: ...

    def advance(self, block: EventBlock, react: React) -> None: ...


class Book(Protocol):
    """What the house asks of its journal."""

    def append(self, block: EventBlock, source: str, source_seq: int) -> int: ...

    def record(self, seq: int, step: Step) -> None: ...

    def wait_durable(self, seq: int | None = None, timeout_s: float | None = None) -> None: ...


class SimLoop:
    """Journal first, then decide, then act. No clock and no asyncio of its own: time is in the blocks."""

    def __init__(
        self,
        engine: Engine,
        exchange: Exchange,
        *,
        journal: Book | None = None,
        observers: Sequence[Observer] = (),
        source: str = "house",
    ) -> None:
        """`observers` see every block the engine saw, facts and market alike, after its answer is recorded."""
        self.engine, self.exchange = engine, exchange
        self._journal, self._observers, self._source = journal, tuple(observers), source
        self._source_seq = 0

    def open(self, facts: tuple[Event, ...]) -> Step:
        """Feed what must be known before the first market block: who we are, then what the exchange says about us."""
        return self.tell(facts)

    def tell(self, facts: tuple[Event, ...]) -> Step:
        """Facts that come outside the market's clock: a reconciliation, a hand on the switch."""
        step, commands = self._process(EventBlock(facts=facts))
        self._send(commands, step.time_ms)
        return step

    def step(self, block: EventBlock) -> Step:
        """One clock step. Orders already at the exchange meet this block's prices first; the engine may answer what
        becomes of them inside the bar. Then it sees the block, and what it decides there meets the next one."""
        self.exchange.advance(block, self._react)
        step, commands = self._process(block)
        self._send(commands, step.time_ms)
        return step

    def _react(self, facts: tuple[Event, ...], time_ms: int) -> tuple[Command, ...]:
        del time_ms  # the facts carry their own
        return self._process(EventBlock(facts=facts))[1]

    def _process(self, block: EventBlock) -> tuple[Step, tuple[Command, ...]]:
        """The Step, and those of its commands that may leave: with a journal that cannot be written no new risk is
        taken, while stops and exits go out unrecorded."""
        self._source_seq += 1
        seq = self._source_seq
        if self._journal is None:
            step = self.engine.on_block(block)
            commands = step.commands
        else:
            seq = self._journal.append(block, self._source, self._source_seq)
            step = self.engine.on_block(block)
            self._journal.record(seq, step)
            commands = self._recorded(self._journal, seq, step.commands)
        for observe in self._observers:
            observe(seq, block, step, self.engine)
        return step, commands

    @staticmethod
    def _recorded(journal: Book, seq: int, commands: tuple[Command, ...]) -> tuple[Command, ...]:
        if not commands:
            return ()
        try:
            journal.wait_durable(seq)
        except JournalStuckError:
            return tuple(command for command in commands if not adds_risk(command))
        return commands

    def _send(self, commands: Sequence[Command], time_ms: int) -> None:
        for command in commands:
            self.exchange.submit(command, time_ms)
