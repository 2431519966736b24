"""Which faults strike a seed, and when: drawn so that over many seeds every fault meets every order state."""

import functools
import random
from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from liqbot.blocks import EventBlock
from liqbot.engine import Engine, Step
from paper.simulate.bring_about import nudge, nudge_on, prepare
from paper.simulate.faults import AIMS, BY_NAME, order_states
from paper.simulate.probe import Probe
from paper.simulate.scenario import Scenario

DRAWS: Final = 4
FIRST_STEP: Final = 4
GAP_STEPS: Final = 25
GIVEN_UP_STEPS: Final = 150
"""A pair that does not come about within that many steps is not waited for any longer."""
NUDGE_STEPS: Final = 15
STRIKES_MAX: Final = 3
"""A fault that waited for something and met it in another state strikes again, so many times in all."""
_STRIDE: Final = 97


class Draw(msgspec.Struct, frozen=True):
    """The fault strikes when some order of ours is in this state, from this step on."""

    fault: str
    state: str
    from_step: int


def draws_of(seed: int) -> tuple[Draw, ...]:
    """Neighbouring seeds walk through all pairs of fault and state, each seed with a few that lie far apart."""
    chance = random.Random(f"draws {seed}")  # noqa: S311 - not a secret
    step, drawn = FIRST_STEP, []
    for number in range(DRAWS):
        fault, state = AIMS[(seed * DRAWS + number) * _STRIDE % len(AIMS)]
        drawn.append(Draw(fault, state, step))
        step += chance.randint(GAP_STEPS // 2, GAP_STEPS * 2)
    return tuple(drawn)


class _Aim(msgspec.Struct):
    """A draw whose fault and state have not met yet."""

    draw: Draw
    due_step: int
    strikes: int = 0
    armed: bool = False
    """It has struck, and what it waits for has not happened yet."""
    prepared: bool = False


class FaultSchedule(Probe):
    """Strikes when the moment has come, and counts which order states each fault met."""

    def __init__(self, scenario: Scenario, draws: Sequence[Draw]) -> None:
        self.scenario = scenario
        self.met: Counter[str] = Counter()
        """By `fault state`."""
        self._open = [_Aim(draw, draw.from_step) for draw in draws]

    @property
    def done(self) -> bool:
        """Whatever still waits for its moment has struck."""
        return all(aim.armed for aim in self._open)

    def answered(self, block: EventBlock, step: Step, engine: Engine) -> None:
        """In the middle of things, before the commands of this answer leave."""
        del engine
        if block.tick_ms is None or step.commands:
            self._look()

    def stepped(self) -> None:
        steps = self.scenario.steps
        self._open = [aim for aim in self._open if steps <= aim.draw.from_step + GIVEN_UP_STEPS]
        for aim in self._open:
            waited = steps - aim.due_step
            if waited > 0 and waited % NUDGE_STEPS == 0:
                self._nudge(aim)
        self._look()

    def _nudge(self, aim: _Aim) -> None:
        fault, chance = BY_NAME[aim.draw.fault], self._chance(aim, f"nudge {self.scenario.steps}")
        if aim.armed:
            nudge_on(self.scenario, fault, chance)
        else:
            nudge(self.scenario, fault, aim.draw.state, chance)

    def _look(self) -> None:
        for aim in self._open:
            if aim.armed or self.scenario.steps < aim.due_step or self.scenario.now_ms < self.scenario.asleep_until_ms:
                continue
            fault = BY_NAME[aim.draw.fault]
            if not aim.prepared:
                aim.prepared = True
                self.scenario.link.troubles += prepare(self.scenario, fault, aim.draw.state)
            if aim.draw.state in order_states(self.scenario) and fault.ready(self.scenario):
                aim.armed, aim.strikes = True, aim.strikes + 1
                fault.strike(self.scenario, self._chance(aim, "strike"), functools.partial(self._struck, aim))
                if aim.strikes > 1:
                    nudge_on(self.scenario, fault, self._chance(aim, "nudge"))
                return

    def _struck(self, aim: _Aim) -> None:
        """The fault came about: in the state that it was drawn for, or it may try again."""
        states = order_states(self.scenario)
        self._count(aim.draw.fault, states)
        if aim not in self._open:
            return
        if aim.draw.state in states or aim.strikes >= STRIKES_MAX:
            self._open.remove(aim)
        else:
            aim.armed = aim.prepared = False
            aim.due_step = self.scenario.steps + NUDGE_STEPS

    def _count(self, fault: str, states: Sequence[str]) -> None:
        for state in states:
            if BY_NAME[fault].can_meet(state):
                self.met[f"{fault} {state}"] += 1

    def _chance(self, aim: _Aim, what: str) -> random.Random:
        drawn = aim.draw
        return random.Random(f"{what} {self.scenario.seed} {drawn.fault} {drawn.from_step} {aim.strikes}")  # noqa: S311
