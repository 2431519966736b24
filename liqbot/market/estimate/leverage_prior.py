"""`LeveragePrior`: how open positions are spread over leverage tiers, learnt from venues that make them known.

A reporting venue is modelled like any other. What is reported at a distance from the mark is shared among the tiers
that are modelled there (expectation-maximisation for Poisson sums), and compared with what is modelled of each tier.
Only the shape is used: how large the whole is follows from forced orders. Evidence is the number of positions, less
where a few are large; snapshots show the same ones again and again, so theirs is an average over time.
"""

from collections.abc import Sequence

import numpy as np

from liqbot.market.estimate import kernels
from liqbot.market.estimate.decay import fading
from liqbot.market.estimate.kernels import BINS, DISTANCES, LONG, SHORT, Floats
from liqbot.market.estimate.positions import Positions
from liqbot.market.estimate.state import LeveragePriorState
from liqbot.market.params import CalibrationParams, EstimateParams


class LeveragePrior:
    """Works on the `LeveragePriorState` it is given, and keeps parameters only."""

    def __init__(
        self, estimate: EstimateParams, params: CalibrationParams, positions: Positions, state: LeveragePriorState
    ) -> None:
        self._params, self._positions, self.state = params, positions, state
        self._leverages = np.array(estimate.leverages)

    def compare(self, row: int, sides: Sequence[tuple[Floats, Floats]], mark: float, now_ms: int) -> None:
        """A snapshot of a row: (positions, USD) of longs and of shorts, and the mark's position."""
        state = self.state
        elapsed_ms = max(0, now_ms - state.compared_ms.get(row, now_ms))
        state.compared_ms[row] = now_ms
        classes = len(DISTANCES) - 1
        found, squares = np.zeros((2, 2, classes))
        held = self.held_usd(row, mark)
        for side, (position, usd) in zip((LONG, SHORT), sides, strict=True):
            away = np.abs(position - mark)
            found[side], squares[side] = kernels.by_distance(away, usd), kernels.by_distance(away, usd * usd)
        if not (held.sum() > 0 and found.sum() > 0):
            return
        # A tier nobody holds a position in says nothing; the others get their share of a class.
        share = held * np.where(state.ratio > 0, state.ratio, 1.0)[:, None]
        total = share.sum(axis=1, keepdims=True)
        share = np.divide(share, total, out=np.zeros_like(share), where=total > 0)
        reported = (share * found[:, None]).sum(axis=(0, 2))
        square = (share * squares[:, None]).sum(axis=(0, 2))
        by_tier = held.sum(axis=(0, 2))
        kept = fading(elapsed_ms, self._params.leverage_prior_h)
        state.sums *= kept
        state.sums += (1.0 - kept) * np.stack([reported, by_tier * (reported.sum() / by_tier.sum()), square])
        state.ratio = kernels.leverage_ratio(state.sums, self._leverages, self._params.leverage_prior_weight)

    def held_usd(self, row: int, mark: float) -> Floats:
        """Prior USD modelled of a row around the mark's position, [side, tier, class of distance]."""
        held = np.zeros((2, len(self.state.ratio), len(DISTANCES) - 1))
        middle = self._positions.state.first_bin + np.arange(BINS) + 0.5
        for side, tier in np.ndindex(held.shape[:2]):
            start, usd = self._positions.prior_line(row, side, tier)
            held[side, tier] = kernels.by_distance(np.abs(middle[start : start + len(usd)] - mark), usd)
        return held
