"""What the engine took in and answered while its journal refused records, as far as it concerns our money and orders.

It is part of the engine's state until a record can report it (`JournalGap`): so it is reported once, the same to the
ledger that is kept while running and to one that is made from the journal.
"""

from typing import Any, Final

import msgspec

from liqbot.accounting.changes import Change, Duplicate
from liqbot.commands import Command
from liqbot.events import Event, MoneyFact
from liqbot.execution.naked_time import PositionNaked

KEPT_MAX: Final = 10_000
"""Facts and commands: of weeks without a disk."""


class UnrecordedStep(msgspec.Struct, frozen=True):
    """One engine call that no journal has."""

    time_ms: int
    facts: tuple[Event, ...]
    changes: tuple[tuple[Change, ...], ...]
    """For each fact, what it changed in the books of our money."""
    commands: tuple[Command, ...]
    no_longer_naked: tuple[PositionNaked, ...]

    @property
    def size(self) -> int:
        """Facts and commands."""
        return len(self.facts) + len(self.commands)


class UnrecordedSteps:
    """Those since the journal refused the first, oldest first."""

    def __init__(self) -> None:
        self._steps: list[UnrecordedStep] = []
        self._size = 0
        self.blocks = 0
        """How many were refused, whether anything is kept of them or not."""

    def add(self, step: UnrecordedStep) -> None:
        """Nothing is kept of what is empty, and of what comes beyond the limit."""
        self.blocks += 1
        kept = _without_repeats(step)
        if (kept.size or kept.no_longer_naked) and self._size + kept.size <= KEPT_MAX:
            self._steps.append(kept)
            self._size += kept.size

    def take(self) -> tuple[UnrecordedStep, ...]:
        """All of them, once."""
        taken = tuple(self._steps)
        self._steps, self._size, self.blocks = [], 0, 0
        return taken

    def state(self) -> Any:
        return [self.blocks, self._steps]

    def load_state(self, state: Any) -> None:
        """ValueError (msgspec's) for what is no state."""
        self.blocks, self._steps = msgspec.convert(state, tuple[int, list[UnrecordedStep]])
        self._size = sum(step.size for step in self._steps)


def _without_repeats(step: UnrecordedStep) -> UnrecordedStep:
    """Histories are read again and again, and repeat what is known."""
    kept = [
        (fact, changes) for fact, changes in zip(step.facts, step.changes, strict=True)
        if not (isinstance(fact, MoneyFact) and any(isinstance(change, Duplicate) for change in changes))
    ]
    return msgspec.structs.replace(
        step, facts=tuple(fact for fact, _ in kept), changes=tuple(changes for _, changes in kept)
    )
