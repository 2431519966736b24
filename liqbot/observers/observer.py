"""`Observer`: what looks on while the house works, and the group that calls all of them and survives each.

An observer keeps, shows or sends what it sees; it decides nothing, and nobody waits for it. It is called on the
house's own thread, between two steps: work that takes longer than a few milliseconds belongs into a thread of its own.
One that is not part of the program has a budget: a call that takes longer is its last.
"""

import abc
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final, Protocol

import structlog

from liqbot.blocks import EventBlock
from liqbot.engine import Engine, Step
from liqbot.hung_calls import OBSERVER, HungCall
from liqbot.lent_arithmetic import lent_arithmetic
from liqbot.raised import from_keyboard, said_by

CALL_MS_MAX: Final = 250
OnStep = Callable[[int, EventBlock, Step, Engine], None]
"""Journal sequence number, what came in, what the engine answered, and the engine as it is now."""
_log = structlog.get_logger(__name__)


class Observer(abc.ABC):
    """Subclasses give a `name` and `on_step`; the rest where they need it."""

    name: str = ""
    added_as: str = ""
    """By which name the configuration has it, where it is not part of the program; whoever makes it says so."""
    trouble: str = ""
    """Why it does not work at present, for `liqbot status`; empty while it does."""

    def start(self, engine: Engine) -> None:  # noqa: B027 -- most have nothing to prepare
        """Called once, before the first step."""

    @abc.abstractmethod
    def on_step(self, seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        """Called after every step, once it is recorded and its commands have left."""

    def flush(self, seq: int, engine: Engine) -> None:  # noqa: B027
        """Called when the house ends in order: `seq` is the last step. Write or send what still waits."""

    def close(self) -> None:  # noqa: B027
        """Called last, also after a failure."""


class CallWatch(Protocol):
    """Receives which call of somebody else's code is running."""

    def begin(self, call: HungCall, /) -> None: ...

    def end(self) -> None: ...


class Unwatched:
    """Where no clock runs."""

    def begin(self, call: HungCall) -> None:
        """Nobody asks."""

    def end(self) -> None:
        """Nobody asks."""


class ObserverGroup:
    """All observers of a house. One that raises, and an added one that takes longer than `call_ms_max` for a step, is
    logged, called no more, and named in `troubles`. `left_out`: names of those that were not made, and why."""

    def __init__(
        self, observers: Sequence[Observer], *, call_ms_max: int = CALL_MS_MAX, left_out: dict[str, str] | None = None,
        timer_ns: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        self._working = list(observers)
        self._failed: dict[str, str] = dict(left_out or {})
        self._call_ms_max, self._timer_ns = call_ms_max, timer_ns
        self.watch: CallWatch = Unwatched()

    def start(self, engine: Engine) -> None:
        for observer in tuple(self._working):
            self._guarded(observer, lambda observer=observer: observer.start(engine))  # type: ignore[misc]

    def on_step(self, seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        """What a loop calls after every step."""
        for observer in self._working:
            if observer.added_as:
                begun_ns = self._timer_ns()
                self._guarded(observer, partial(observer.on_step, seq, block, step, engine))
                self._charge(observer, (self._timer_ns() - begun_ns) / 1e6)
                continue
            try:
                observer.on_step(seq, block, step, engine)
            except BaseException as error:
                if from_keyboard(error):
                    raise
                self._disable(observer, error)

    def flush(self, seq: int, engine: Engine) -> None:
        for observer in tuple(self._working):
            self._guarded(observer, lambda observer=observer: observer.flush(seq, engine))  # type: ignore[misc]

    def close(self) -> None:
        for observer in tuple(self._working):
            self._guarded(observer, observer.close)

    @property
    def names(self) -> tuple[str, ...]:
        """Of those that still work."""
        return tuple(observer.name for observer in self._working)

    @property
    def troubles(self) -> dict[str, str]:
        """By name: why an observer does not work, at present or any more."""
        return {observer.name: observer.trouble for observer in self._working if observer.trouble} | self._failed

    def _guarded(self, observer: Observer, call: Callable[[], None]) -> None:
        if observer.added_as:
            self.watch.begin(HungCall(OBSERVER, observer.added_as))
        try:
            with lent_arithmetic():
                call()
        except BaseException as error:
            if from_keyboard(error):
                raise
            self._disable(observer, error)
        finally:
            self.watch.end()

    def _charge(self, observer: Observer, took_ms: float) -> None:
        if took_ms > self._call_ms_max and observer in self._working:
            limit = f"observers.call_ms_max is {self._call_ms_max} ms"
            self._disable(observer, TimeoutError(f"a call took {took_ms:,.0f} ms, {limit}"))

    def _disable(self, observer: Observer, error: BaseException) -> None:
        reason = f"disabled: {type(error).__name__}: {said_by(error)}"
        _log.error("observer disabled", observer=observer.name, reason=reason, exc_info=error)
        # A new list: the one that is being walked through stays as it is.
        self._working = [one for one in self._working if one is not observer]
        self._failed[observer.name] = reason
