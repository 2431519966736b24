"""How wild each minute is: a cascade of switching multipliers, and the sessions of the day.

The cascade is the Markov-switching multifractal of Calvet and Fisher (2004): variance is the usual one times a product
of multipliers, each redrawn at its own pace. It gives long memory and fat tails with two knobs.
"""

import functools
import math
from typing import Final

import numpy as np

from paper.flow_world.params import FlowPriceParams
from paper.world.draws import Draws, Floats, expo, total

DAY_MIN: Final = 1440
_THURSDAY: Final = 3
"""1970-01-01, with Monday as 0."""
_SESSIONS: Final = ((0, 0.35, 150.0), (420, 0.5, 180.0), (810, 1.1, 150.0))
"""Openings of Asia, Europe and America: minute of the day UTC, extra activity, minutes in which it fades."""
_QUIET: Final = 0.62
_WEEKEND: Final = 0.6


class VolatilityCascade:
    """`advance` moves one minute on and returns variance over usual variance: mean 1."""

    def __init__(self, params: FlowPriceParams, draws: Draws) -> None:
        self._draws = draws
        lives_min = params.longest_h * 60.0 / np.cumprod(np.full(params.cascade_levels, 3.0)) * 3.0
        self._switch_share = np.minimum(1.0 / lives_min, 1.0)
        self._size = params.cascade_swing_ratio
        self._multipliers = self._drawn(draws.uniform(params.cascade_levels))

    def _drawn(self, chance: Floats) -> Floats:
        return np.where(chance < 0.5, 1.0 + self._size, 1.0 - self._size)

    def advance(self) -> float:
        chance = self._draws.uniform(2 * len(self._multipliers)).reshape(2, -1)
        switched = chance[0] < self._switch_share
        self._multipliers = np.where(switched, self._drawn(chance[1]), self._multipliers)
        return float(math.prod(self._multipliers.tolist()))


@functools.cache
def _day() -> Floats:
    """Activity by minute of the day, mean 1."""
    minute = np.arange(DAY_MIN)
    found = np.full(DAY_MIN, _QUIET)
    for opens, extra, fades_min in _SESSIONS:
        since = (minute - opens) % DAY_MIN
        found += extra * expo(-since / fades_min)
    return np.asarray(found * (DAY_MIN / total(found)))


def session_activity(time_ms: int) -> float:
    """Usual activity at this time over the mean of a working day."""
    days, minute = divmod(time_ms // 60_000, DAY_MIN)
    weekend = (days + _THURSDAY) % 7 >= 5
    return float(_day()[minute]) * (_WEEKEND if weekend else 1.0)
