"""How long the calls of the user's own strategies take, by the wall clock: an overrun enters the inbox as a fact.

The core has no clock, so it is measured here and the journal has it before the engine acts on it: a replay, which
measures nothing, disables the strategy at the same record. A call that never returns is left to the `HangWatch`.
"""

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from liqbot.events import Event, StrategyDisabled
from liqbot.hung_calls import STRATEGY, HungCall
from liqbot.observers.observer import CallWatch, Unwatched

T = TypeVar("T")


class CallTimer:
    """A `CallMeter` for a running house."""

    def __init__(
        self,
        call_ms_max: int,
        report: Callable[[tuple[Event, ...]], object],
        clock: Callable[[], int],
        timer_ns: Callable[[], int] = time.perf_counter_ns,
        watch: CallWatch | None = None,
        files: Mapping[str, str] | None = None,
    ) -> None:
        """`clock` gives the milliseconds of facts; `timer_ns` measures. `files`: SHA-256 by name of strategy."""
        self._call_ms_max, self._report, self._clock, self._timer_ns = call_ms_max, report, clock, timer_ns
        self._watch, self._files = watch or Unwatched(), files or {}

    def __call__(self, strategy: str, call: Callable[[], T], /) -> T:
        begun_ns = self._timer_ns()
        self._watch.begin(HungCall(STRATEGY, strategy, self._files.get(strategy, "")))
        try:
            return call()
        finally:
            self._watch.end()
            took_ms = (self._timer_ns() - begun_ns) / 1e6
            if took_ms > self._call_ms_max:
                reason = f"a call took {took_ms:,.0f} ms, signals.call_ms_max is {self._call_ms_max} ms"
                self._report((StrategyDisabled(time_ms=self._clock(), strategy=strategy, reason=reason),))
