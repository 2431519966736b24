"""A loop in virtual time whose disk may hang: time passes while it is waited for, and the rule's limit runs."""

from collections.abc import Callable, Iterable, Sequence

from liqbot.blocks import EventBlock
from liqbot.commands import Command
from liqbot.engine import Engine, Step
from liqbot.events import Event
from liqbot.observers.observer import OnStep
from liqbot.runtime import step as rule
from liqbot.runtime.live_loop import PROTECTIVE_WAIT_MS
from paper.sessions.sim_loop import Exchange, SimLoop
from paper.simulate.journal import DiskHangs, MemoryJournal


class PatientLoop(SimLoop):
    """Of one process."""

    def __init__(
        self, engine: Engine, exchange: Exchange, journal: MemoryJournal, clock: Callable[[], int],
        observers: Sequence[OnStep], unrecorded: Callable[[EventBlock, Step, Engine], None],
    ) -> None:
        """`unrecorded` is told of what the journal did not take, as the observers are of the rest."""
        super().__init__(engine, exchange, journal=journal, observers=observers, source="simulate")
        self._rule = rule.WriteAhead(engine, wait_ms=PROTECTIVE_WAIT_MS)
        self._disk, self._clock, self._unrecorded = journal, clock, unrecorded

    @property
    def steps_waiting(self) -> int:
        """Steps whose commands wait for the disk."""
        return self._rule.steps_waiting

    def enter_nothing(self) -> None:
        self._rule.enter_nothing()

    def tell(self, facts: tuple[Event, ...]) -> Step:
        answered = super().tell(facts)
        self._release()
        return answered

    def step(self, block: EventBlock) -> Step:
        answered = super().step(block)
        self._release()
        return answered

    def _release(self) -> None:
        """What the disk has answered meanwhile, or has not for too long."""
        if not self.steps_waiting:
            return
        if not self._disk.hanging:
            self._perform(self._durable(self._disk.last_seq))
        self._perform(self._rule.expire(self._clock()))
        leaving, self._leaving = tuple(self._leaving), []
        for command in leaving:
            self.exchange.submit(command, self._clock())

    def _take(self, block: EventBlock) -> tuple[Step, tuple[Command, ...]]:
        answered, leaving = super()._take(block)
        if self._disk.full:
            self._unrecorded(block, answered, self.engine)
        return answered, leaving

    def _now_ms(self) -> int:
        return self._clock()

    def _durable(self, seq: int) -> Iterable[rule.Request]:
        try:
            return super()._durable(seq)
        except DiskHangs:
            return ()
