"""What a deliberate defect is: patches of the house that a simulation must notice."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from liqbot.risk.decision import Check, Refusal
from liqbot.risk.pre_trade_checks import CheckContext, PreTradeCheck


class Patch(msgspec.Struct, frozen=True):
    """`replace` makes the defective thing from the sound one."""

    owner: Any
    name: str
    replace: Callable[[Any], Any]


class Mutant(msgspec.Struct, frozen=True):
    name: str
    what: str
    patches: tuple[Patch, ...]
    shows_in: tuple[str, ...] = ()
    """Faults that bring it to light: seeds that draw one of them are tried first."""

    def apply(self) -> None:
        """For the life of this process."""
        for patch in self.patches:
            setattr(patch.owner, patch.name, patch.replace(patch.owner.__dict__[patch.name]))

    @contextlib.contextmanager
    def applied(self) -> Iterator[None]:
        """For a while."""
        sound = [(patch.owner, patch.name, patch.owner.__dict__[patch.name]) for patch in self.patches]
        self.apply()
        try:
            yield
        finally:
            for owner, name, thing in sound:
                setattr(owner, name, thing)


def instead(thing: Any) -> Callable[[Any], Any]:
    """A replacement that asks nothing of what it replaces."""
    return lambda _sound: thing


def unasked(*codes: Refusal) -> Callable[[Any], Any]:
    """The questions with these codes always pass."""

    def replace(sound: tuple[tuple[Refusal, PreTradeCheck], ...]) -> tuple[tuple[Refusal, PreTradeCheck], ...]:
        return tuple((code, _passing(question) if code in codes else question) for code, question in sound)

    return replace


def _passing(question: PreTradeCheck) -> PreTradeCheck:
    def mutant(case: CheckContext) -> Check | None:
        answer = question(case)
        return None if answer is None else msgspec.structs.replace(answer, passed=True)

    return mutant
