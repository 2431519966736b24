"""`House`: the engine with a simulated exchange around it; one plain loop body for backtest, paper and simulate."""

from collections.abc import Callable, Sequence
from typing import Protocol

from liqbot.blocks import EventBlock
from liqbot.engine import Engine, Step
from liqbot.events import Event
from liqbot.execution.commands import Command
from liqbot.journal import Journal

Observer = Callable[[int, EventBlock, Step, Engine], None]
React = Callable[[tuple[Event, ...], int], tuple[Command, ...]]


class Exchange(Protocol):
    """What the house asks of the venue it trades on."""

    def submit(self, command: Command, time_ms: int) -> None: ...

    def advance(self, block: EventBlock, react: React) -> None: ...


class House:
    """Journal first, then decide, then act. No clock and no asyncio of its own: time is in the blocks."""

    def __init__(
        self,
        engine: Engine,
        exchange: Exchange,
        *,
        journal: Journal | None = None,
        observers: Sequence[Observer] = (),
        source: str = "house",
    ) -> None:
        """`observers` see every block the engine saw, facts and market alike, after its answer is recorded."""
        self.engine, self.exchange = engine, exchange
        self._journal, self._observers, self._source = journal, tuple(observers), source
        self._source_seq = 0

    def open(self, facts: tuple[Event, ...]) -> Step:
        """Feed what must be known before the first market block: who we are, then what the exchange says about us."""
        step = self._process(EventBlock(facts=facts))
        self._send(step.commands, step.time_ms)
        return step

    def step(self, block: EventBlock) -> Step:
        """One clock step. Orders already at the exchange meet this block's prices first; the engine may answer what
        becomes of them inside the bar. Then it sees the block, and what it decides there meets the next one."""
        self.exchange.advance(block, self._react)
        step = self._process(block)
        self._send(step.commands, step.time_ms)
        return step

    def _react(self, facts: tuple[Event, ...], time_ms: int) -> tuple[Command, ...]:
        del time_ms  # the facts carry their own
        return self._process(EventBlock(facts=facts)).commands

    def _process(self, block: EventBlock) -> Step:
        self._source_seq += 1
        seq = self._source_seq
        if self._journal is None:
            step = self.engine.on_block(block)
        else:
            seq = self._journal.append(block, self._source, self._source_seq)
            step = self.engine.on_block(block)
            self._journal.record(seq, step)
            if step.commands:
                self._journal.wait_durable(seq)
        for observe in self._observers:
            observe(seq, block, step, self.engine)
        return step

    def _send(self, commands: Sequence[Command], time_ms: int) -> None:
        for command in commands:
            self.exchange.submit(command, time_ms)
