"""`Calibration`: learns from observed forced orders how much of the modelled positions is really there.

Expected forced USD of a row (venue) and tier is touched prior mass x the row's factor x the tier's weight. Weights are
pooled over venues and sides, a row's factor over its tiers. Each order is shared among the tiers its own venue's mark
touched, in proportion to what was expected of them (expectation-maximisation for Poisson sums). Statistics fade, and
every estimate is a ratio of two running sums, pulled toward a prior that is worth a number of orders of mean size.
Orders are capped: one whale says little about the crowd.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from liqbot.market.estimate import kernels, learning_kernels, map_kernels, step_kernels
from liqbot.market.estimate.decay import fading
from liqbot.market.estimate.kernels import Floats
from liqbot.market.estimate.spread import Spread
from liqbot.market.estimate.state import CalibrationState
from liqbot.market.params import CalibrationParams

Order = tuple[int, int, float]
"""Row, side (0 long, 1 short), USD."""
Sums = tuple[Sequence[int], float, float]
"""Rows that the sums are of, USD of longs, USD of shorts, since these rows' last sums."""

LATE_MS: Final = 30_000.0
"""Orders are reported a little after the touch: what was touched fades from memory within this time."""
_SINGLE: Final = 1.0 + 1e-9
"""Effective number of orders that one alone cannot have, however its square is rounded."""
_SIZES_MIN: Final = 20.0
"""Orders needed before their mean size caps the next ones."""


class Calibration:
    """Works on the `CalibrationState` it is given, and keeps parameters only."""

    def __init__(self, params: CalibrationParams, state: CalibrationState) -> None:
        self._params, self.state = params, state

    def multiplier(self) -> Floats:
        """[row, tier]: real over prior USD."""
        state = self.state
        found: Floats = state.level[:, None] * (state.weights * state.tail_ratio)
        return found

    def learnt_sizes(self) -> tuple[Floats, Floats, float]:
        """`multiplier` without what capping took, how far each tier rests on no order [tier], and what open interest
        weighs, see `position_layer.LearntSizes`."""
        state = self.state
        return map_kernels.learnt_sizes(
            state.weights, state.level, state.reporting, state.expected, state.reported, self._params.mix_weight
        )

    def promise(self) -> Floats:
        """[row, tier]: USD expected to be reported, orders capped, per prior USD touched; 0 of silent rows."""
        state = self.state
        by_row = np.where(state.reported[:, 1] > 0, state.level * state.reporting, 0.0)
        found: Floats = by_row[:, None] * state.weights
        return found

    def grain_usd(self) -> float:
        """Size of equal orders whose sum would vary as much as that of the capped ones does; 0 before the first."""
        _, total_usd, squares = np.add.reduce(self.state.reported, axis=0).tolist()
        return float(squares / total_usd) if total_usd > 0 else 0.0

    def cap_usd(self) -> float:
        """Orders count up to this; infinite before enough were reported."""
        count, total_usd, _ = np.add.reduce(self.state.reported, axis=0).tolist()
        return float(self._params.cap_ratio * total_usd / count) if count >= _SIZES_MIN else float("inf")

    def sample_size(self) -> float:
        """Effective number of orders the weights rest on: less than their count when a few are large."""
        return map_kernels.sample_size(self.state.reported)

    def open_spread(self, error_share: float) -> Spread:
        """Of USD that is open; `error_share` is the error of its layer, as a share of the USD."""
        return self._spread(self.grain_usd() * self.state.tail_ratio, error_share)

    def reported_spread(self) -> Spread:
        """Of USD that will be reported."""
        return self._spread(self.grain_usd(), self._params.model_share)

    def _spread(self, grain_usd: float, error_share: float) -> Spread:
        """As large as the USD itself while nothing has been learnt."""
        size = self.sample_size()
        if not size > _SINGLE:
            return Spread(0.0, 1.0)
        return Spread(grain_usd, math.sqrt(1.0 / size + error_share * error_share))

    # --- the update ---------------------------------------------------------------------------------------------------

    def on_step(
        self, touched_usd: Floats, orders: Sequence[Order], sums: Sequence[Sums], elapsed_ms: int, *,
        leverage_prior: Floats | None = None, history: bool = False,
    ) -> None:
        """`touched_usd[row, side, tier]` is prior mass the step's prices touched; the others were reported in the step.

        `leverage_prior[tier]`: see `LeveragePrior`; without it all tiers are taken to be as modelled. `history`: the
        step lies before the start. Few venues give past forced orders, so that silence means nothing.
        """
        state = self.state
        self._expect(touched_usd, elapsed_ms, history=history)
        if not (orders or sums):
            return
        cap_usd = self.cap_usd()
        for row, side, usd in orders:
            capped_usd = min(usd, cap_usd)
            if self._attribute((row,), side, capped_usd, state.recent, cap_usd):
                state.tail_sums += (usd, capped_usd)
        for rows, *sides_usd in sums:
            for side, usd in enumerate(sides_usd):
                self._attribute(rows, side, usd, state.since, cap_usd)
            state.since[list(rows)] = 0.0
        self._estimate(np.zeros_like(state.weights) if leverage_prior is None else leverage_prior)

    def _expect(self, touched_usd: Floats, elapsed_ms: int, *, history: bool) -> None:
        """Sums forget, and what was touched is expected from now on."""
        state, params = self.state, self._params
        step_kernels.expect_touched(
            state.expected, state.observed, state.reported, state.tail_sums, state.recent, state.since, touched_usd,
            fading(elapsed_ms, params.shape_h), fading(elapsed_ms, params.tail_h),
            max(0.0, 1.0 - elapsed_ms / LATE_MS), int(history),
        )  # fmt: skip

    def _attribute(self, rows: Sequence[int], side: int, usd: float, touched_usd: Floats, cap_usd: float) -> bool:
        """`cap_usd` as of the step's begin: what is told in one step has no order, and so no side comes first."""
        state = self.state
        return learning_kernels.attribute(
            state.observed, state.reported, touched_usd, state.weights,
            state.level * state.reporting, np.array(rows, np.int64), side, usd, min(usd, cap_usd),
        )  # fmt: skip

    def _estimate(self, leverage_prior: Floats) -> None:
        """Factors of the rows, then weights of the tiers, from the running sums."""
        p, state = self._params, self.state
        expected, observed = kernels.weighted_sums(state.expected, state.weights), state.observed.sum(axis=1)
        count, total_usd, _ = np.add.reduce(state.reported, axis=0).tolist()
        if not count > 0:
            return
        mean_usd = total_usd / count
        prior_usd = p.level_weight * total_usd / count
        pooled = (observed.sum() + prior_usd) / (expected.sum() + prior_usd / p.level_ratio)
        sizes = learning_kernels.effective_sizes(state.reported)
        factor = learning_kernels.row_factors(observed, expected, pooled, sizes, p.row_weight)
        prior_usd = p.tail_weight * total_usd / count
        whole_usd, capped_usd = state.tail_sums.tolist()
        state.tail_ratio = min((whole_usd + prior_usd) / (capped_usd + prior_usd), p.tail_ratio_max)
        state.level, state.reporting = learning_kernels.levels_of(
            factor, sizes, state.complete, state.reported[:, 1], state.reporting, expected, p.silent_count * mean_usd,
        )  # fmt: skip
        self._weigh_tiers(leverage_prior)

    def _evidence(self) -> tuple[Floats, float]:
        """[tier] of USD expected to be reported, and the USD that the prior of each tier is worth: that all have the
        common weight, worth so many orders in all."""
        state = self.state
        by_tier: Floats = np.add.reduce(state.expected * (state.level * state.reporting)[:, None], axis=0)
        worth = self._params.mix_weight / max(self.sample_size(), 1.0)
        return by_tier, worth * float(np.add.reduce(by_tier)) / len(by_tier)

    def _weigh_tiers(self, leverage_prior: Floats) -> None:
        p, state = self._params, self.state
        by_tier, pull = self._evidence()
        everything = float(by_tier.sum())
        if everything > 0:
            observed = state.observed.sum(axis=0)
            common = float(state.observed.sum()) / everything
            most = p.leverage_prior_ratio_max
            prior = common * learning_kernels.tier_prior(by_tier, observed, leverage_prior, pull, common, most)
            weights = (observed + pull * prior) / (by_tier + pull)
            mean = float((weights * by_tier).sum()) / everything
            state.weights = weights / mean if mean > 0 else state.weights
