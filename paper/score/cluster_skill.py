"""M8: do clusters lie where most is open? What they hold of the heaviest bins and of all true USD, against chance."""

from typing import Final

import msgspec
import numpy as np

from paper.score.bootstrap import Days, Estimate
from paper.score.price_path import FINE, Floats, Whole

WITHIN_PCT: Final = 15.0
HEAVY: Final = 10
_BINS: Final = round(WITHIN_PCT / (FINE * 0.05))


class ClusterSkill(msgspec.Struct, frozen=True):
    """Over both sides within `WITHIN_PCT` of the mark. Chance holds as much of anything as it covers of the bins."""

    origins: int
    covered_share: Estimate
    """Of all bins, in clusters."""
    heavy_share: Estimate
    """Of the `HEAVY` bins with most true USD of an origin, in clusters."""
    usd_share: Estimate
    """Of all true USD, in clusters."""
    heavy_lift: Estimate
    """The shares over that of chance: 1 says nothing."""
    usd_lift: Estimate


def cluster_skill(
    origin_ms: Whole, clustered: Floats, truth: Floats, resamples: int, seed: int
) -> ClusterSkill | None:
    """Both [O, 2, K]: the share of each bin that lies in a cluster, and USD truly open in it. Origins without a truth
    (NaN), or with less than `HEAVY` bins that hold anything, are left out; None when none is left."""
    truth = truth[:, :, :_BINS].reshape(len(truth), -1)
    known = np.isfinite(truth).all(axis=1) & ((truth > 0).sum(axis=1) >= HEAVY)
    if not known.any():
        return None
    truth, inside = truth[known], clustered[known][:, :, :_BINS].reshape(int(known.sum()), -1)
    heavy = np.take_along_axis(inside, np.argpartition(-truth, HEAVY - 1, axis=1)[:, :HEAVY], axis=1).mean(axis=1)
    days = Days(origin_ms[known], resamples, seed)
    # Shares of each origin, so that origins count alike whatever is open then.
    held = (inside * truth).sum(axis=1) / truth.sum(axis=1)
    covered, heavies, usd, count = (days.sums(one) for one in (inside.mean(axis=1), heavy, held, np.ones(len(truth))))
    return ClusterSkill(
        len(truth), *(days.estimate(np.divide, one, count) for one in (covered, heavies, usd)),
        *(days.estimate(np.divide, one, covered) for one in (heavies, usd)),
    )  # fmt: skip
