"""Defects of "journal first, then decide, then act", for the simulation and for the mutants of the live path alike:
both drive the same lines."""

from collections.abc import Callable, Generator
from typing import Any

from liqbot.blocks import EventBlock
from liqbot.engine import Step
from liqbot.runtime import step


def not_waiting(sound: Callable[..., Generator[step.Request, Any, Step]]) -> Callable[..., Any]:
    """Durability is never requested: whatever was decided leaves."""

    def mutant(
        self: step.WriteAhead, block: EventBlock, now_ms: int
    ) -> Generator[step.Request, Any, Step]:
        requests, answer = sound(self, block, now_ms), None
        while True:
            try:
                request = requests.send(answer)
            except StopIteration as taken:
                answered: Step = taken.value
                return answered
            answer = None
            if isinstance(request, step.RequestDurable):
                yield from self.durable(request.seq)
            else:
                answer = yield request

    return mutant


def silent_when_stuck(sound: Any) -> Any:
    """What is not durable stays, whatever it is for."""

    def mutant(answered: Step, *, durable: bool) -> list[step.Request]:
        requests: list[step.Request] = sound.__func__(answered, durable=durable)
        return requests if durable else [one for one in requests if not isinstance(one, step.SendCommands)]

    return staticmethod(mutant)
