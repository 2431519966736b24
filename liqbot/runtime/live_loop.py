"""The live loop: inbox -> journal -> engine -> broker. A command leaves only after its intent is durable."""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from liqbot.blocks import EventBlock
from liqbot.commands import Command, adds_risk
from liqbot.engine import Engine, Step
from liqbot.journal import Journal
from liqbot.journal.errors import JournalStuckError
from liqbot.observers.observer import OnStep
from liqbot.runtime.inbox import Inbox
from liqbot.runtime.pump import Feed, pump


class CommandSink(Protocol):
    """Sends commands; whatever the venue answers comes back through the inbox as facts."""

    async def send(self, commands: Sequence[Command], now_ms: int) -> None: ...


class Runtime:
    """One engine, one journal, one broker, any number of feeds and observers."""

    def __init__(
        self, engine: Engine, journal: Journal, broker: CommandSink, inbox: Inbox, observers: Sequence[OnStep] = ()
    ) -> None:
        self._engine, self._journal, self._broker = engine, journal, broker
        self._inbox, self._observers = inbox, tuple(observers)
        self._source_seq = 0

    async def run(self, feeds: Sequence[Feed], stop: asyncio.Event) -> None:
        """Until `stop` is set or every feed has ended; what waits is still processed. Errors of any task are raised."""
        await pump(self._inbox, self.process, feeds, stop)

    async def process(self, block: EventBlock) -> Step:
        """Journal first, then decide, then act. While the journal cannot be written no new risk is taken: stops and
        exits leave all the same, and what could not be recorded is not observed."""
        self._source_seq += 1
        try:
            seq = self._journal.append(block, "inbox", self._source_seq)
        except JournalStuckError:
            step = self._engine.on_block(block)
            await self._send(tuple(one for one in step.commands if not adds_risk(one)), step)
            return step
        step = self._engine.on_block(block)
        self._journal.record(seq, step)
        await self._send(await self._recorded(seq, step), step)
        for observe in self._observers:
            observe(seq, block, step, self._engine)
        return step

    async def _recorded(self, seq: int, step: Step) -> tuple[Command, ...]:
        """The Step's commands that may leave now."""
        if step.commands:
            try:
                await asyncio.wrap_future(self._journal.durable(seq))
            except JournalStuckError:
                return tuple(one for one in step.commands if not adds_risk(one))
        return step.commands

    async def _send(self, commands: Sequence[Command], step: Step) -> None:
        if commands:
            await self._broker.send(commands, step.time_ms)
