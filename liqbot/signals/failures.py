"""Strategies of the user's own under guard: an exception or a call that took too long disables their entries.

An exception is part of the strategy's answer and the same in every replay, so it is caught here. How long a call takes
is not: the running program measures it at its edge and reports an overrun as the fact `StrategyDisabled`.
"""

import re
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol, TypeVar

from liqbot.events import CodeVersion, Event, Resume, StrategyDisabled
from liqbot.facts import encodable
from liqbot.lent_arithmetic import lent_arithmetic
from liqbot.raised import from_keyboard, said_by
from liqbot.signals.strategy import Strategy

T = TypeVar("T")
_REASON_LENGTH_MAX: Final = 300
_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]+")


class CallMeter(Protocol):
    """Makes a call of a strategy and may measure it; never changes what comes of it."""

    def __call__(self, strategy: str, call: Callable[[], T], /) -> T: ...


def unmeasured(_strategy: str, call: Callable[[], T], /) -> T:
    """In a replay and wherever no clock runs."""
    return call()


class StrategyGuard:
    """Which strategies are disabled by a fault of their own, and why. Lifted by `Resume`, or by a changed file."""

    def __init__(self, meter: CallMeter = unmeasured) -> None:
        self.meter = meter
        self._disabled: dict[str, str] = {}
        self._sha256: dict[str, str] = {}

    @property
    def disabled(self) -> Mapping[str, str]:
        """Name -> reason."""
        return self._disabled

    def on_fact(self, fact: Event) -> None:
        if isinstance(fact, StrategyDisabled):
            self._disabled.setdefault(fact.strategy, fact.reason)
        elif isinstance(fact, Resume):
            self._disabled.clear()
        elif isinstance(fact, CodeVersion):
            now = dict(fact.strategies)
            for name in [name for name in self._disabled if now.get(name) != self._sha256.get(name)]:
                del self._disabled[name]
            self._sha256 = now

    def attempt(self, strategy: Strategy, call: Callable[[], T], otherwise: T) -> T:
        """What a call of a strategy of the user's own gives; `otherwise` when it fails or the strategy is disabled."""
        if strategy.name in self._disabled:
            return otherwise
        try:
            with lent_arithmetic():
                return self.meter(strategy.name, call)
        except BaseException as error:
            if from_keyboard(error):
                raise
            self._disabled[strategy.name] = _reason(strategy, error)
            return otherwise

    def state(self) -> list[Any]:
        return [self._disabled, self._sha256]

    def load_state(self, state: list[Any]) -> None:
        self._disabled, self._sha256 = dict(state[0]), dict(state[1])


def _reason(strategy: Strategy, error: BaseException) -> str:
    """In one line, the same in every run: where in the strategy's file, what, and no address of an object."""
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == strategy.origin]
    where = f" (line {lines[-1]})" if lines else ""
    said = encodable(_ADDRESS.sub("0x..", said_by(error)))
    return f"{type(error).__name__}{where}: {said}"[:_REASON_LENGTH_MAX]
