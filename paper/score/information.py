"""M2: bits by which a frozen map tells reported USD better than the distance climatology, where price went.

Told twice. By *place*: each origin's and side's map is made into shares of the bins visited, so that only the
proportions between bins count. By *rate*: shares of all bins visited after all scored origins of a side, so that saying
when much prints counts as well as saying where. A model's scale counts in neither: that is what sizes are measured for.
"""

import msgspec
import numpy as np

from paper.score.bootstrap import Days, Estimate
from paper.score.fit import poisson_weights
from paper.score.frozen import FrozenOutcome
from paper.score.params import ScoreParams
from paper.score.price_path import LONG, SHORT, Floats, Whole


class Gain(msgspec.Struct, frozen=True):
    """M2 of one model at one horizon, in bits per USD-weighted event."""

    bits: Estimate
    """By place."""
    long_value: float
    short_value: float
    rate_bits: Estimate


class InformationScore:
    """All models of one horizon over the same origins."""

    def __init__(
        self, found: FrozenOutcome, origins: Whole, origin_ms: Whole, reference: Floats, params: ScoreParams, seed: int
    ) -> None:
        self._found, self._uniform_share = found, params.uniform_share
        self._origins = origins[found.usable[origins]]
        self._usd = found.realised_usd[self._origins]
        self.days = Days(origin_ms[self._origins], params.resamples, seed)
        self._reference = np.log2(self._shape(reference))
        self._rate_reference = np.log2(self._shape(reference, over=(0, 2)))
        self._events = self.days.sums(self._usd)
        self.sums: dict[str, Floats] = {}
        """[days] bits x USD per model, by place."""
        self.rate_sums: dict[str, Floats] = {}

    @property
    def origins(self) -> int:
        return len(self._origins)

    @property
    def realised_usd(self) -> float:
        return float(self._usd.sum())

    def _shape(self, maps: Floats, over: int | tuple[int, int] = 2) -> Floats:
        """Shares of the visited bins, a part of them spread evenly: of each origin and side, or `over` all origins."""
        visited = self._found.visited[self._origins]
        usd = np.nan_to_num(maps[self._origins]) * visited
        total, width = usd.sum(axis=over, keepdims=True), visited.sum(axis=over, keepdims=True)
        even = visited / np.where(width > 0, width, 1.0)
        own = np.where(total > 0, usd / np.where(total > 0, total, 1.0), even)
        found = (1.0 - self._uniform_share) * own + self._uniform_share * even
        # Bins that were not visited hold no events: any share will do, so that the logarithm exists.
        return np.where(visited > 0, found, 1.0)

    def gain(self, name: str, maps: Floats) -> Gain:
        bits = self._usd * (np.log2(self._shape(maps)) - self._reference)
        self.sums[name] = self.days.sums(bits)
        rate_bits = self._usd * (np.log2(self._shape(maps, over=(0, 2))) - self._rate_reference)
        self.rate_sums[name] = self.days.sums(rate_bits)
        sides = [_over(float(bits[:, side].sum()), float(self._usd[:, side].sum())) for side in (LONG, SHORT)]
        return Gain(
            self.days.estimate(np.divide, self.sums[name], self._events), sides[LONG], sides[SHORT],
            self.days.estimate(np.divide, self.rate_sums[name], self._events),
        )

    def difference(self, name: str, other: str) -> Estimate:
        """Bits per USD-weighted event that `name` has over `other`, by place."""
        return self.days.estimate(np.divide, self.sums[name] - self.sums[other], self._events)

    def rate_difference(self, name: str, other: str) -> Estimate:
        """The same by rate."""
        return self.days.estimate(np.divide, self.rate_sums[name] - self.rate_sums[other], self._events)


def _over(part: float, whole: float) -> float:
    return part / whole if whole > 0 else float("nan")


def with_climatology(found: FrozenOutcome, train: Whole, climate: Floats, maps: Floats) -> Floats:
    """Climatology per visit and a map, weighted by side as the visited bins of the training origins would have it."""
    origins = train[found.usable[train]]
    blend = np.zeros_like(maps)
    own = np.nan_to_num(maps)
    for side in (LONG, SHORT):
        visited = found.visited[origins, side].ravel()
        both = np.stack([(values[origins, side].ravel() * visited) for values in (climate, own)])
        weights = poisson_weights(found.realised_usd[origins, side].ravel(), both)
        blend[:, side] = weights[0] * climate[:, side] + weights[1] * own[:, side]
    return blend
