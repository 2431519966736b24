"""`ClosingPace`: learns from forced orders how much sooner or later owners close than the assumed rates say.

If owners close later than modelled, prices where positions have long stood open print more than promised, and prices
where they are new print less. With the logarithm x of the pace what is promised, the sum over tiers of factor x touched
USD, moves by minus the sum of factor x touched USD x hazard (the closings it was exposed to while open). The likelihood
of what was told (Poisson sums, the model's own error on top, so that a cascade counts no more than a few orders) is
taken as a parabola in x around the pace then in force. The parabolas are summed, fading, with one of the prior at 0:
the pace is a ratio of two running sums, as is everything that is learnt here.

Only hazard against what is usual for its venue and tier counts, because weights of tiers and factors of venues follow
any common change. Volume and open interest alone could not tell: whatever the pace, the modelled stock settles where as
much is closed as opened.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from liqbot.market.calibration import Calibration, Order, Sums
from liqbot.market.distances import Floats
from liqbot.market.fading import fading
from liqbot.market.packed import packed, unpacked
from liqbot.market.params import CalibrationParams

_WINDOW_MS: Final = 300_000
"""Touches and orders are compared in stretches as long as this: orders are told a little after the touch."""
_HOUR_MS: Final = 3_600_000
_LOG_MAX: Final = 2.0
"""The pace stays within a factor of 7.7 of 1 either way."""
_HAZARD_MAX: Final = 3.0
"""Hazard counts up to this, in closings per position: little is left of what is older."""
_PROMISE_MIN: Final = 1e-3
"""Usual orders; where less was promised in a stretch, an order says nothing about closing."""

_DEVIATIONS_MAX: Final = 3.0
"""What is told counts up to so many standard deviations above the promise: no cascade weighs more."""


class ClosingPace:
    """`pace` is how many times as fast as assumed owners are found to close; one for all tiers and venues."""

    def __init__(self, params: CalibrationParams, tiers: int) -> None:
        self._params = params
        self._touched: Floats = np.zeros((2, 0, 2, tiers))
        """Prior USD touched in this stretch, and times its hazard."""
        self._told: Floats = np.zeros((0, 2))
        """Capped USD of orders told in this stretch."""
        self._usual: Floats = np.zeros((2, 0, tiers))
        """Prior USD touched, and times its hazard: fading."""
        self._sums = [0.0, 0.0]
        """Slope and curvature of the parabolas, in usual orders; fading."""
        self._in_sums: list[int] = []
        """Rows told of in sums: their stretch ends with each sum."""
        self._log = 0.0
        self._window_ms = self._hour_ms = 0

    @property
    def pace(self) -> float:
        """Rational stand-in of the exponential function."""
        root = (8.0 + self._log) / (8.0 - self._log)
        return root * root * root * root

    def admit(self) -> None:
        """One more row."""
        tiers = self._usual.shape[2]
        self._touched = np.concatenate([self._touched, np.zeros((2, 1, 2, tiers))], axis=1)
        self._told = np.concatenate([self._told, np.zeros((1, 2))])
        self._usual = np.concatenate([self._usual, np.zeros((2, 1, tiers))], axis=1)

    # --- the update ---------------------------------------------------------------------------------------------------

    def on_step(
        self, touched_usd: Floats, hazard_usd: Floats, orders: Sequence[Order], sums: Sequence[Sums],
        calibration: Calibration, elapsed_ms: int,
    ) -> None:
        """Both arrays are [row, side, tier]; the rest is what `Calibration.on_step` was given, afterwards."""
        if touched_usd.any():
            self._touched[0] += touched_usd
            self._touched[1] += hazard_usd
        if orders:
            cap_usd = calibration.cap_usd()
            for row, side, usd in orders:
                self._told[row, side] += min(usd, cap_usd)
        for rows, long_usd, short_usd in sums:
            self._take_sum(list(rows), np.array([[long_usd, short_usd]]), calibration)
        self._window_ms += elapsed_ms
        if self._window_ms >= _WINDOW_MS:
            self._end_window(calibration)
        self._hour_ms += elapsed_ms
        if self._hour_ms >= _HOUR_MS:
            self._end_hour()

    def _take_sum(self, rows: list[int], told_usd: Floats, calibration: Calibration) -> None:
        # Before a row's first sum its touches were compared with nothing told, and belong to no stretch.
        if all(row in self._in_sums for row in rows):
            self._compare(rows, told_usd, calibration, together=True)
        self._in_sums = sorted({*self._in_sums, *rows})
        self._forget(rows)

    def _end_window(self, calibration: Calibration) -> None:
        self._window_ms = 0
        rows = [row for row in range(len(self._told)) if row not in self._in_sums]
        if rows and self._touched[0, rows].any():
            self._compare(rows, self._told[rows], calibration)
            self._forget(rows)
        elif rows:
            self._told[rows] = 0.0

    def _forget(self, rows: list[int]) -> None:
        """A stretch of these rows is over: what was touched in it makes what is usual."""
        self._usual[:, rows] += self._touched[:, rows].sum(axis=2)
        self._touched[:, rows] = 0.0
        self._told[rows] = 0.0

    def _compare(
        self, rows: list[int], told_usd: Floats, calibration: Calibration, *, together: bool = False
    ) -> None:
        """Add a parabola for each row and side of a stretch; `together`: the rows' USD were told as one."""
        size_usd = calibration.size_usd()
        if not size_usd > 0:
            return
        touched, hazard = self._touched[:, rows]
        usual_usd, usual_hazard = self._usual[:, rows] + self._touched[:, rows].sum(axis=2)
        mean = np.divide(usual_hazard, usual_usd, out=np.zeros_like(usual_usd), where=usual_usd > 0)
        factor = calibration.promise()[rows][:, None] / size_usd
        promised = (touched * factor).sum(axis=2)
        older = ((hazard - mean[:, None] * touched) * factor).sum(axis=2)
        told = told_usd / size_usd
        if together:
            promised, older = promised.sum(axis=0, keepdims=True), older.sum(axis=0, keepdims=True)
        heard = promised > _PROMISE_MIN
        promised, told = promised[heard], told[heard]
        older = np.clip(older[heard] / promised, -_HAZARD_MAX, _HAZARD_MAX)
        # The variance of what is told is that of orders plus that of the model's own error, a share of the promise.
        excess = 1.0 + self._params.model_share**2 * promised
        beyond = np.minimum(told - promised, _DEVIATIONS_MAX * np.sqrt(promised * excess))
        curvature = promised * older * older / excess
        self._sums[0] += float((curvature * self._log - beyond * older / excess).sum())
        self._sums[1] += float(curvature.sum())

    def _end_hour(self) -> None:
        slope, curvature = self._sums
        self._log = min(max(slope / (curvature + self._params.pace_weight), -_LOG_MAX), _LOG_MAX)
        self._usual *= fading(self._hour_ms, self._params.shape_h)
        kept = fading(self._hour_ms, self._params.pace_h)
        self._sums = [slope * kept, curvature * kept]
        self._hour_ms = 0

    def state(self) -> dict[str, Any]:
        arrays = [packed(array) for array in (self._touched, self._told, self._usual)]
        return {
            "arrays": arrays, "sums": list(self._sums), "in_sums": list(self._in_sums), "log": self._log,
            "since": [self._window_ms, self._hour_ms],
        }

    def load_state(self, state: dict[str, Any]) -> None:
        self._touched, self._told, self._usual = (unpacked(array) for array in state["arrays"])
        self._sums, self._in_sums, self._log = list(state["sums"]), list(state["in_sums"]), state["log"]
        self._window_ms, self._hour_ms = state["since"]
