"""Funding: each venue's rate follows its premium and the lean of its crowd, which pays the other side to come."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from liqbot.instruments import FundingStage
from liqbot.market.observed.settlements import HOUR_MS
from paper.world.draws import Draws, Floats, total
from paper.world.params import TradedVenue

_INTEREST_8H_PCT: Final = 0.01
_RATE_8H_PCT_MAX: Final = 0.75
_LIFE_MIN: Final = 240.0
_LEAN_8H_PCT: Final = 0.12
_PREMIUM_WEIGHT: Final = 0.5


class WorldFunding:
    """Rates are kept per eight hours and published per the venue's own interval."""

    def __init__(self, venues: Sequence[TradedVenue], draws: Draws) -> None:
        self._draws = draws
        self.interval_h: Floats = np.array([venue.funding_interval_h for venue in venues])
        self._rate_8h_pct = np.full(len(venues), _INTEREST_8H_PCT)

    def advance(self, minutes: float, mark: Floats, index_price: float, totals_base: Floats) -> None:
        long, short = totals_base
        lean = (long - short) / np.maximum(long + short, 1e-12)
        premium_pct = (mark / index_price - 1.0) * 100.0
        wanted = _INTEREST_8H_PCT + _LEAN_8H_PCT * lean + _PREMIUM_WEIGHT * premium_pct
        # Inside a dead zone around the plain interest rate venues publish just that.
        small = np.abs(wanted - _INTEREST_8H_PCT) < 0.004
        target = np.where(small, _INTEREST_8H_PCT, wanted)
        rate = self._rate_8h_pct + minutes / (minutes + _LIFE_MIN) * (target - self._rate_8h_pct)
        self._rate_8h_pct = np.minimum(np.maximum(rate, -_RATE_8H_PCT_MAX), _RATE_8H_PCT_MAX)

    @property
    def rate_pct(self) -> Floats:
        """Per the venue's interval, in hundred-thousandths of a per cent steps as venues round it."""
        return np.asarray(np.rint(self._rate_8h_pct * self.interval_h / 8.0 * 1e5) / 1e5)

    def stages(self, now_ms: int) -> Floats:
        """What each rate is when it is told now, as in the `rate_stage` of a block: paid when an interval is over."""
        settled = now_ms % np.rint(self.interval_h * HOUR_MS) == 0
        return np.where(settled, float(FundingStage.SETTLEMENT), float(FundingStage.FORECAST))

    @property
    def mean_8h_pct(self) -> float:
        return total(self._rate_8h_pct) / len(self._rate_8h_pct)
