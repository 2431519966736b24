"""`SampledSeries`: a bounded, evenly thinned record of one number over time, read for its value some time ago."""

from bisect import bisect_right
from typing import Any


class SampledSeries:
    """Keeps at most one sample per `step_ms` and nothing older than `kept_ms`."""

    def __init__(self, step_ms: int, kept_ms: int) -> None:
        self._step_ms, self._kept_ms = step_ms, kept_ms
        self._times: list[int] = []
        self._values: list[float] = []

    def __len__(self) -> int:
        return len(self._times)

    @property
    def values(self) -> list[float]:
        """Oldest first; not to be changed."""
        return self._values

    def due(self, time_ms: int) -> bool:
        """Whether a sample at `time_ms` would be kept."""
        return not self._times or time_ms >= self._times[-1] + self._step_ms

    def add(self, time_ms: int, value: float) -> None:
        if not self.due(time_ms):
            return
        self._times.append(time_ms)
        self._values.append(value)
        old = bisect_right(self._times, time_ms - self._kept_ms - 1)
        # Dropped in batches: removing from the front of a list costs its length.
        if old > 64 and old * 4 > len(self._times):
            del self._times[:old], self._values[:old]

    def ago(self, time_ms: int, lookback_ms: int) -> float:
        """The newest sample at least `lookback_ms` old, NaN when that is more than a quarter older than that."""
        index = bisect_right(self._times, time_ms - lookback_ms) - 1
        if index < 0 or self._times[index] < time_ms - lookback_ms - lookback_ms // 4:
            return float("nan")
        return self._values[index]

    def highest_since(self, time_ms: int) -> float:
        """Of what held then and was sampled after; NaN without any."""
        return max(self._values[max(0, bisect_right(self._times, time_ms) - 1) :], default=float("nan"))

    def scale_by(self, factor: float) -> None:
        """Multiply every kept sample, when the unit it is measured in has changed."""
        self._values = [value * factor for value in self._values]

    def state(self) -> list[Any]:
        return [list(self._times), list(self._values)]

    def load_state(self, state: list[Any]) -> None:
        self._times, self._values = list(state[0]), list(state[1])
