"""How long the calls of the user's own strategies take, by the wall clock: an overrun enters the inbox as a fact.

The core has no clock, so it is measured here and the journal has it before the engine acts on it: a replay, which
measures nothing, disables the strategy at the same record. A call that never returns is left to the `HangWatch`.
"""

import math
import time
from collections.abc import Callable, Mapping
from typing import Final, TypeVar

from liqbot.events import Event, StrategyDisabled
from liqbot.hung_calls import STRATEGY, HungCall
from liqbot.observers.observer import CallWatch, Unwatched

T = TypeVar("T")
SPENT_MS_MAX: Final = 5_000.0
WINDOW_MS: Final = 10_000.0
"""No strategy may take more of each such stretch: calls that are short enough one by one hold up the house together."""


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
        self._window_ms = -math.inf
        self._spent_ms: dict[str, float] = {}

    def __call__(self, strategy: str, call: Callable[[], T], /) -> T:
        begun_ns = self._timer_ns()
        self._watch.begin(HungCall(STRATEGY, strategy, self._files.get(strategy, "")))
        try:
            return call()
        finally:
            self._watch.end()
            reason = self._overrun(strategy, begun_ns / 1e6, self._timer_ns() / 1e6)
            if reason:
                self._report((StrategyDisabled(time_ms=self._clock(), strategy=strategy, reason=reason),))

    def _overrun(self, strategy: str, begun_ms: float, ended_ms: float) -> str:
        """In words; empty for none."""
        if ended_ms - self._window_ms > WINDOW_MS:
            self._window_ms, self._spent_ms = begun_ms, {}
        took_ms = ended_ms - begun_ms
        spent_ms = self._spent_ms[strategy] = self._spent_ms.get(strategy, 0.0) + took_ms
        if took_ms > self._call_ms_max:
            return f"a call took {took_ms:,.0f} ms, signals.call_ms_max is {self._call_ms_max} ms"
        if spent_ms > SPENT_MS_MAX >= spent_ms - took_ms:
            return f"its calls took {spent_ms:,.0f} ms within {WINDOW_MS:,.0f} ms, {SPENT_MS_MAX:,.0f} ms are the most"
        return ""
