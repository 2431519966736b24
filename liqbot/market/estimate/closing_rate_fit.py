"""`ClosingRateFit`: learns from forced orders how much sooner or later owners close than the assumed rates say.

If owners close later than modelled, prices where positions have long stood open print more than promised, and prices
where they are new print less. With the logarithm x of the pace what is promised, the sum over tiers of factor x touched
USD, moves by minus the sum of factor x touched USD x hazard (the closings it was exposed to while open). The likelihood
of what was reported (Poisson sums, the model's own error on top, so that a cascade counts no more than a few orders) is
taken as a parabola in x around the pace that the touched stock was closing at while it stood. The parabolas are summed,
fading, with one of the prior at 0: the pace is a ratio of two running sums, as is everything that is learnt here.

Only hazard against the baseline of its venue and tier counts, because weights of tiers and factors of venues follow any
common change. Volume and open interest alone do not identify it: whatever the pace, the modelled stock settles where as
much is closed as opened.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np

from liqbot.market.estimate.calibration import Calibration, Order, Sums
from liqbot.market.estimate.closing_rate import ClosingRate
from liqbot.market.estimate.decay import fading
from liqbot.market.estimate.kernels import Floats
from liqbot.market.estimate.learning_kernels import closing_evidence
from liqbot.market.estimate.state import ClosingRateState
from liqbot.market.params import CalibrationParams

_WINDOW_MS: Final = 300_000
"""Touches and orders are compared in stretches as long as this: orders are reported a little after the touch."""
_HOUR_MS: Final = 3_600_000
_LOG_MAX: Final = 2.0
"""The pace stays within a factor of 7.7 of 1 either way."""


class ClosingRateFit:
    """Sets the pace of a `ClosingRate`, once an hour: how many times as fast as assumed owners are found to close.

    Works on the `ClosingRateState` it is given, and keeps parameters only.
    """

    def __init__(self, params: CalibrationParams, closing: ClosingRate, state: ClosingRateState) -> None:
        self._params, self._closing, self.state = params, closing, state

    def on_step(
        self, touched_usd: Floats, hazard_usd: Floats, orders: Sequence[Order], sums: Sequence[Sums],
        calibration: Calibration, elapsed_ms: int, *, history: bool = False,
    ) -> None:
        """Both arrays are [row, side, tier]: USD, and USD times closings; the rest as `Calibration.on_step`, after it.

        `history`: few venues give past forced orders, so that silence in it means nothing.
        """
        state = self.state
        state.hour_ms += elapsed_ms
        if state.hour_ms >= _HOUR_MS:
            self._end_hour()
        if touched_usd.any():
            state.touched[0] += touched_usd
            state.touched[1] += hazard_usd
        if orders:
            cap_usd = calibration.cap_usd()
            for row, side, usd in orders:
                if state.in_sums[row]:
                    # It reports single orders now: a stretch of its own begins.
                    state.in_sums[row] = False
                    self._forget([row])
                state.reported[row, side] += min(usd, cap_usd)
        for rows, long_usd, short_usd in sums:
            self._take_sum(list(rows), np.array([[long_usd, short_usd]]), calibration)
        state.window_ms += elapsed_ms
        if state.window_ms >= _WINDOW_MS:
            self._end_window(calibration, history=history)

    def _take_sum(self, rows: list[int], reported_usd: Floats, calibration: Calibration) -> None:
        # Before a row's first sum its touches were compared with nothing reported, and belong to no stretch.
        if self.state.in_sums[rows].all():
            self._compare(rows, reported_usd, calibration, together=True)
        self.state.in_sums[rows] = True
        self._forget(rows)

    def _end_window(self, calibration: Calibration, *, history: bool) -> None:
        state = self.state
        state.window_ms = 0
        rows = [row for row, in_sums in enumerate(state.in_sums.tolist()) if not in_sums]
        if not rows:
            return
        if not history and state.touched[0, rows].any():
            self._compare(rows, state.reported[rows], calibration)
        self._forget(rows)

    def _forget(self, rows: list[int]) -> None:
        """A stretch of these rows is over: what was touched in it goes into their baseline."""
        state = self.state
        if len(rows) == len(state.in_sums):  # all of them: views instead of copies
            state.baseline += np.add.reduce(state.touched, axis=2)
            state.touched.fill(0.0)
            state.reported.fill(0.0)
            return
        state.baseline[:, rows] += np.add.reduce(state.touched[:, rows], axis=2)
        state.touched[:, rows] = 0.0
        state.reported[rows] = 0.0

    def _compare(
        self, rows: list[int], reported_usd: Floats, calibration: Calibration, *, together: bool = False
    ) -> None:
        """Add a parabola for each row and side of a stretch; `together`: the rows' USD were reported as one."""
        grain_usd = calibration.grain_usd()
        if not grain_usd > 0:
            return
        state = self.state
        state.evidence += closing_evidence(
            state.touched[:, rows], state.baseline[:, rows], calibration.promise()[rows] / grain_usd, state.stood,
            reported_usd / grain_usd, self._params.model_share, together=together,
        )  # fmt: skip

    def _end_hour(self) -> None:
        state, params = self.state, self._params
        slope, curvature = state.evidence.tolist()
        state.stood += (state.pace_log_ratio - state.stood) * (1.0 - self._closing.kept_share(state.hour_ms))
        state.pace_log_ratio = min(max(slope / (curvature + params.closing_rate_weight), -_LOG_MAX), _LOG_MAX)
        self.set_pace()
        state.baseline *= fading(state.hour_ms, params.shape_h)
        state.evidence *= fading(state.hour_ms, params.closing_rate_h)
        state.hour_ms = 0

    def set_pace(self) -> None:
        """As the state says: after it was learnt, and after a restart."""
        # A rational stand-in of the exponential function.
        root = (8.0 + self.state.pace_log_ratio) / (8.0 - self.state.pace_log_ratio)
        self._closing.pace = root * root * root * root
