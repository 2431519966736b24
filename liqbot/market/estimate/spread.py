"""`Spread`: how far estimated USD may be from the truth, of any bin or stretch."""

import math

import msgspec
import numpy as np

from liqbot.market.estimate.kernels import Floats


class Spread(msgspec.Struct, frozen=True):
    """Variance is USD x grain + (USD x level_share)^2: few positions of unequal size, and a level learnt from few. NaN
    where nobody says."""

    grain_usd: float = float("nan")
    """Size of equal positions whose sum would vary as much."""
    level_share: float = float("nan")
    """Standard deviation of the level, over the level."""

    def sd_usd(self, usd: float) -> float:
        """Standard deviation."""
        return math.sqrt(usd * self.grain_usd + usd * usd * self.level_share * self.level_share)

    def sds_usd(self, usd: Floats) -> Floats:
        """`sd_usd` of each."""
        return np.asarray(np.sqrt(usd * self.grain_usd + usd * usd * (self.level_share * self.level_share)))
