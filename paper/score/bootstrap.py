"""Intervals by resampling whole days: prints come in storms, so single hours are no independent evidence."""

from collections.abc import Callable

import msgspec
import numpy as np

from paper.score.price_path import Floats, Whole

_DAY_MS = 86_400_000


class Estimate(msgspec.Struct, frozen=True):
    """A value on all days, and the middle 95 % of its resamples; NaN where there is nothing to measure."""

    value: float
    low: float
    high: float

    @property
    def above_zero(self) -> bool:
        return self.low > 0


class Days:
    """Resamples of the days of `times_ms`. Every measure with the same times is resampled alike: differences pair."""

    def __init__(self, times_ms: Whole, resamples: int, seed: int) -> None:
        self._day = times_ms // _DAY_MS
        self.days = np.unique(self._day)
        self._index = np.searchsorted(self.days, self._day)
        count = len(self.days)
        chance = np.random.default_rng(seed)
        drawn = chance.multinomial(count, np.full(count, 1.0 / count), size=resamples) if count else np.zeros((1, 0))
        self._drawn = drawn.astype(float)

    def sums(self, values: Floats) -> Floats:
        """[days] of values given per entry of `times_ms`; further axes are summed away."""
        flat = values.sum(axis=tuple(range(1, values.ndim)))
        return np.bincount(self._index, flat, minlength=len(self.days)).astype(float)

    def estimate(self, measure: Callable[..., Floats], *sums: Floats) -> Estimate:
        """`measure` of resampled sums, given one array [days] each; it takes and returns arrays of any length."""
        with np.errstate(divide="ignore", invalid="ignore"):
            value = measure(*(np.atleast_1d(one.sum()) for one in sums))
            spread = measure(*(self._drawn @ one for one in sums))
        spread = spread[np.isfinite(spread)]
        if not len(spread) or not np.isfinite(value[0]):
            return Estimate(float("nan"), float("nan"), float("nan"))
        low, high = np.percentile(spread, [2.5, 97.5]).tolist()
        return Estimate(float(value[0]), low, high)
