"""`UsualSizes`: what usually stands out at a distance from the mark, of one coin, both sides together.

Distances fall into classes. Of each, the largest excess of either side is remembered now and then, as a mean that
fades; between the middles of the classes the usual size changes evenly. Sizes are remembered over the map's scale, so
that what is learnt about the whole map makes no cluster large or small.
"""

from itertools import pairwise
from typing import Any, Final

import msgspec
import numpy as np

from liqbot.market.estimate.array_state import packed, unpacked
from liqbot.market.estimate.decay import fading
from liqbot.market.estimate.kernels import Floats
from liqbot.market.estimate.running_sums import interpolated
from liqbot.market.params import ClusterParams

_CLASSES: Final = (0, 20, 40, 80, 140, 220, 320, 480, 1 << 30)
"""Bins of 5 bp from the mark where a class begins; the last one only ends the one before."""
_MIDDLES: Final = (10.0, 30.0, 60.0, 110.0, 180.0, 270.0, 400.0, 540.0)
_HOUR_MS: Final = 3_600_000.0


class Usual(msgspec.Struct, frozen=True):
    """The usual sizes of one moment."""

    sums_usd: list[float]
    """Per class of distance, fading; empty until enough was remembered."""
    count: float
    """How many each sum holds, fading likewise."""
    scale: float

    def at(self, bins: float) -> float:
        """USD; NaN until enough was remembered, or where nothing ever stood out."""
        if not self.sums_usd:
            return float("nan")
        found = interpolated(bins, _MIDDLES, self.sums_usd) / self.count * self.scale
        return found if found > 0 else float("nan")


class UsualSizes:
    """Tell it the excess of every window when `due`; ask for the usual one `at` a distance."""

    def __init__(self, params: ClusterParams) -> None:
        self._params = params
        self._usd: Floats = np.zeros(len(_MIDDLES))
        self._count = 0.0
        self._seen = 0
        self._time_ms = 0
        self.scale = 1.0
        """Of the map that is read, which sets it: usual sizes are given in its USD."""

    def due(self, now_ms: int) -> bool:
        return now_ms - self._time_ms >= self._params.history_step_ms

    def remember(self, now_ms: int, long_usd: Floats, short_usd: Floats) -> None:
        """The excess of every window of both sides, by the bins from the mark to its near edge."""
        kept = fading(now_ms - self._time_ms, self._params.history_ms / _HOUR_MS) if self._seen else 0.0
        largest = np.array([
            (long_usd[near:far].max(initial=0.0) + short_usd[near:far].max(initial=0.0)) / 2.0
            for near, far in pairwise(_CLASSES)
        ])  # fmt: skip
        self._usd = self._usd * kept + largest / self.scale
        self._count = self._count * kept + 1.0
        self._seen += 1
        self._time_ms = now_ms

    def now(self) -> Usual:
        """As they are, however they go on."""
        enough = self._seen >= self._params.history_count_min
        return Usual(self._usd.tolist() if enough else [], self._count, self.scale)

    def at(self, bins: float) -> float:
        """`Usual.at` as things stand."""
        return self.now().at(bins)

    def state(self) -> list[Any]:
        return [packed(self._usd), self._count, self._seen, self._time_ms]

    def load_state(self, state: list[Any]) -> None:
        usd, self._count, self._seen, self._time_ms = state
        self._usd = unpacked(usd)
