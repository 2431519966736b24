"""Which faults strike a seed, and when: drawn so that over many seeds every fault meets every order state."""

import functools
import random
from collections import Counter
from collections.abc import Sequence
from typing import Final

import msgspec

from liqbot.blocks import EventBlock
from liqbot.engine import Engine, Step
from liqbot.execution.order_lifecycle import OrderState
from paper.simulate import link_faults
from paper.simulate.faults import AIMS, BY_NAME, order_states
from paper.simulate.link import CommandFate, LinkTrouble
from paper.simulate.order_faults import push_through_stops
from paper.simulate.probe import Probe
from paper.simulate.scenario import Scenario

DRAWS: Final = 4
FIRST_STEP: Final = 4
GAP_STEPS: Final = 25
GIVEN_UP_STEPS: Final = 120
"""A state that does not come about within that many steps is not waited for any longer."""
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


class FaultSchedule(Probe):
    """Strikes when the moment has come, and counts which order states each fault met."""

    def __init__(self, scenario: Scenario, draws: Sequence[Draw]) -> None:
        self.scenario = scenario
        self.met: Counter[str] = Counter()
        """By `fault state`."""
        self._waiting = list(draws)
        self._prepared: set[int] = set()

    @property
    def done(self) -> bool:
        return not self._waiting

    def answered(self, block: EventBlock, step: Step, engine: Engine) -> None:
        """In the middle of things, before the commands of this answer leave."""
        del engine
        if block.tick_ms is None or step.commands:
            self._look()

    def stepped(self) -> None:
        for draw in self._waiting:
            if draw.from_step in self._prepared and _wants_half_a_stop(draw) and not self.scenario.market.pushed:
                push_through_stops(self.scenario, self.scenario.chance)
        self._waiting = [draw for draw in self._waiting if self.scenario.steps <= draw.from_step + GIVEN_UP_STEPS]
        self._look()

    def _look(self) -> None:
        for draw in tuple(self._waiting):
            if self.scenario.steps < draw.from_step or self.scenario.now_ms < self.scenario.asleep_until_ms:
                continue
            self._prepare(draw)
            fault = BY_NAME[draw.fault]
            if draw.state in order_states(self.scenario) and fault.ready(self.scenario):
                self._waiting.remove(draw)
                chance = random.Random(f"strike {self.scenario.seed} {draw.fault} {draw.from_step}")  # noqa: S311
                fault.strike(self.scenario, chance, functools.partial(self._count, fault.name))
                return

    def _count(self, fault: str) -> None:
        for state in order_states(self.scenario):
            if BY_NAME[fault].can_meet(state):
                self.met[f"{fault} {state}"] += 1

    def _prepare(self, draw: Draw) -> None:
        """Help the state along that the draw waits for."""
        if draw.from_step in self._prepared:
            return
        self._prepared.add(draw.from_step)
        helping = _helping(draw.state, self.scenario.now_ms, armed=bool(BY_NAME[draw.fault].needs))
        self.scenario.link.troubles += (
            (link_faults.FillInParts(_nothing, self.scenario.is_stop),) if _wants_half_a_stop(draw) else helping
        )


def _wants_half_a_stop(draw: Draw) -> bool:
    """An exit goes out beside an order filled in part only when that order is a stop: entries are cancelled first."""
    return draw.state == OrderState.PARTIAL and BY_NAME[draw.fault].needs == "belief"


def _nothing() -> None:
    """Preparations are not counted."""


def _helping(state: str, now_ms: int, *, armed: bool) -> tuple[LinkTrouble, ...]:
    """`armed`: the fault waits for something to happen while the state lasts, so it must last."""
    if state == OrderState.UNKNOWN:
        return (link_faults.Mute(_nothing, 90_000),) if armed else (link_faults.OnOrder(_nothing, (link_faults.LOST,)),)
    if state == OrderState.MISSING:
        return (link_faults.OnOrder(_nothing, (link_faults.LOST,)),)
    if state == OrderState.REJECTED:
        return (link_faults.OnOrder(_nothing, (CommandFate(refused="UNAVAILABLE"),)),)
    if state == OrderState.PARTIAL:
        return (link_faults.FillInParts(_nothing),)
    if state == OrderState.INTENDED and armed:
        return (link_faults.SlowAnswers(now_ms + 240_000),)
    return ()
