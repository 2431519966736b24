"""A process that was asked to end, in virtual time: the decisions are the house's own (`liqbot.runtime.ending`)."""

from collections.abc import Callable
from typing import Final, Protocol

from liqbot import events
from liqbot.engine import Engine
from liqbot.events import Event, Flatten, HaltCode
from liqbot.runtime.ending import EndingAct, EndingDecision, Unsettled, unsettled

ORDERLY: Final = "orderly"


class EndingPlace(Protocol):
    """What an end sees and touches of a scenario."""

    @property
    def now_ms(self) -> int: ...

    @property
    def engine(self) -> Engine: ...

    @property
    def house(self) -> "EndingLoop": ...

    def tell(self, facts: tuple[Event, ...]) -> None: ...


class EndingLoop(Protocol):
    """The loop that goes on meanwhile."""

    @property
    def steps_waiting(self) -> int: ...

    def enter_nothing(self) -> None: ...


class OrderlyEnd:
    """Begun when the house hears of it, after a clock step; `over` is told when that was, and what was left when
    the process goes."""

    def __init__(self, place: EndingPlace, over: Callable[[int, Unsettled], None]) -> None:
        self._place, self._over = place, over
        self._began_ms = 0
        self._ending = EndingDecision(0.0)

    def look(self) -> None:
        """After every clock step."""
        place = self._place
        if not self._began_ms:
            self._began_ms = place.now_ms
            self._ending = EndingDecision(self._began_ms / 1_000)
            place.house.enter_nothing()
            place.tell((events.Ending(time_ms=place.now_ms, reason="asked to end"),))
        waiting = ("steps wait for the disk",) if place.house.steps_waiting else ()
        left = unsettled(place.engine, at_the_edges=waiting)
        act = self._ending.next(place.now_ms / 1_000, left)
        if act is EndingAct.FLATTEN:
            reason = "ending: no confirmed stop"
            place.tell((Flatten(time_ms=place.now_ms, reason=reason, code=HaltCode.OPERATOR_STOP),))
        elif act is EndingAct.OVER:
            self._over(self._began_ms, left)
