"""How fast owners close their positions of their own will: the more leveraged, the sooner."""

from typing import Final

import numpy as np

from liqbot.market.estimate import step_kernels
from liqbot.market.estimate.kernels import Floats

_HOUR_MS: Final = 3_600_000.0


class ClosingRate:
    """`rates[tier]` per millisecond: a position at leverage L is closed within close_h / L hours, on average.

    `pace` is how many times as fast they are found to be closed, the same for all tiers; `ClosingRateFit` learns it.
    """

    def __init__(self, leverages: tuple[float, ...], close_h: float) -> None:
        self.rates: Floats = np.array(leverages) / (close_h * _HOUR_MS)
        self._pace = 1.0
        self._kept: dict[int, Floats] = {}

    @property
    def pace(self) -> float:
        return self._pace

    @pace.setter
    def pace(self, pace: float) -> None:
        if pace != self._pace:
            self._pace = pace
            self._kept.clear()

    def hazard(self, elapsed_ms: int) -> Floats:
        """Closings that a position of each tier is exposed to meanwhile, on average."""
        return step_kernels.hazard_of(self.rates, self._pace, elapsed_ms)

    def kept_share(self, elapsed_ms: int) -> Floats:
        """Share of each tier's positions that are not closed meanwhile."""
        share = self._kept.get(elapsed_ms)
        if share is None:
            if len(self._kept) > 256:
                self._kept.clear()
            share = self._kept[elapsed_ms] = step_kernels.kept_share_of(self.hazard(elapsed_ms))
        return share
