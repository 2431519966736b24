"""How an order state comes about that a fault waits for: by a nudge of the link before, and of venue and market since.

Without any a state that passes within a second is met by luck alone, and some pairs of fault and state are not met in
hundreds of seeds.
"""

import random
from collections.abc import Callable
from typing import Final

from liqbot.execution.order_lifecycle import OrderState
from paper.simulate import link_faults
from paper.simulate.faults import NONE, Awaited, Fault
from paper.simulate.link import CommandFate, LinkTrouble
from paper.simulate.order_faults import drop_stops, favour, flatten, push_through_stops
from paper.simulate.scenario import Scenario

_CLOSELY_MS: Final = 5_000
_ANY_ORDER: Final = (drop_stops, drop_stops, flatten)
_WAYS: Final[dict[str, tuple[Callable[[Scenario], None], ...]]] = {
    NONE: (flatten,),
    OrderState.INTENDED: _ANY_ORDER,
    OrderState.UNKNOWN: _ANY_ORDER,
    OrderState.PARTIAL: (flatten,),
    OrderState.CANCELLING: (favour, flatten),
    OrderState.FILLED: (flatten,),
    OrderState.CANCELLED: _ANY_ORDER,
    OrderState.REJECTED: _ANY_ORDER,
    OrderState.MISSING: _ANY_ORDER,
}
"""What has the house send something that can get into the state."""
_AWAITED: Final[dict[Awaited, tuple[Callable[[Scenario], None], ...]]] = {
    Awaited.ORDER: _ANY_ORDER,
    Awaited.STOP: (drop_stops,),
    Awaited.STOP_CANCEL: (favour,),
    Awaited.STOP_FILL: (),
    Awaited.FILL: (flatten,),
    Awaited.EXIT: (flatten,),
}


def prepare(scenario: Scenario, fault: Fault, state: str) -> tuple[LinkTrouble, ...]:
    """What the link does to the next orders, so that one gets into that state, and stays there for as long as a fault
    that awaits something needs."""
    trouble = _LASTING.get(state) if fault.awaits else None
    trouble = trouble or _PASSING.get(state)
    return () if trouble is None else (trouble(scenario, fault),)


def nudge(scenario: Scenario, fault: Fault, state: str, chance: random.Random) -> None:
    """Something for the house to do, where it has long done nothing that leads to the state."""
    if _half_a_stop(fault, state):
        scenario.watch_closely(_CLOSELY_MS)
        push_through_stops(scenario, chance)
    else:
        _act(scenario, _WAYS.get(state, ()), chance)


def nudge_on(scenario: Scenario, fault: Fault, chance: random.Random) -> None:
    """The same where the fault has struck, and waits for what it comes about with."""
    if fault.awaits is Awaited.STOP_FILL:
        push_through_stops(scenario, chance)
    else:
        _act(scenario, () if fault.awaits is None else _AWAITED[fault.awaits], chance)


def _act(scenario: Scenario, ways: tuple[Callable[[Scenario], None], ...], chance: random.Random) -> None:
    if scenario.exchange.accounts.holding(scenario.key) is None:
        scenario.operator.lean()
    elif ways:
        chance.choice(ways)(scenario)


def _half_a_stop(fault: Fault, state: str) -> bool:
    """An exit goes out beside an order filled in part only when that order is a stop: entries are cancelled first."""
    return state == OrderState.PARTIAL and fault.needs == "belief"


def _uncounted() -> None:
    """A preparation is no fault that was drawn."""


_PASSING: Final[dict[str, Callable[[Scenario, Fault], LinkTrouble]]] = {
    OrderState.UNKNOWN: lambda *_: link_faults.OnOrder(_uncounted, (link_faults.LOST,)),
    OrderState.MISSING: lambda *_: link_faults.OnOrder(_uncounted, (link_faults.LOST,)),
    OrderState.REJECTED: lambda *_: link_faults.OnOrder(_uncounted, (CommandFate(refused="UNAVAILABLE"),)),
    OrderState.PARTIAL: lambda scenario, fault: link_faults.FillInParts(
        _uncounted, scenario.is_stop if _half_a_stop(fault, OrderState.PARTIAL) else None
    ),
}
_LASTING: Final[dict[str, Callable[[Scenario, Fault], LinkTrouble]]] = {
    OrderState.UNKNOWN: lambda *_: link_faults.Mute(_uncounted, 90_000),
    OrderState.INTENDED: lambda scenario, _: link_faults.SlowAnswers(scenario.now_ms + 240_000),
    OrderState.CANCELLING: lambda *_: link_faults.SlowCancels(_uncounted, 10_000),
}
