"""`ClosingRateFit`: learns from forced orders how much sooner or later owners close than the assumed rates say.

If owners close later than modelled, prices where positions have long stood open print more than promised, and prices
where they are new print less. With the logarithm x of the pace what is promised, the sum over tiers of factor x touched
USD, moves by minus the sum of factor x touched USD x hazard (the closings it was exposed to while open). The likelihood
of what was told (Poisson sums, the model's own error on top, so that a cascade counts no more than a few orders) is
taken as a parabola in x around the pace that the touched stock was closing at while it stood. The parabolas are summed,
fading, with one of the prior at 0: the pace is a ratio of two running sums, as is everything that is learnt here.

Only hazard against what is usual for its venue and tier counts, because weights of tiers and factors of venues follow
any common change. Volume and open interest alone could not tell: whatever the pace, the modelled stock settles where as
much is closed as opened.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from liqbot.market.estimate.array_state import packed, unpacked
from liqbot.market.estimate.calibration import Calibration, Order, Sums
from liqbot.market.estimate.closing_rate import ClosingRate
from liqbot.market.estimate.decay import fading
from liqbot.market.estimate.entry_to_liquidation import Floats
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
"""What is told counts up to so many standard deviations above the promise, and never less than as many orders, so that
no cascade weighs more and no single order less than it should."""


class ClosingRateFit:
    """Sets the pace of a `ClosingRate`, once an hour: how many times as fast as assumed owners are found to close."""

    def __init__(self, params: CalibrationParams, closing: ClosingRate) -> None:
        self._params, self._closing = params, closing
        tiers = len(closing.rates)
        self._touched: Floats = np.zeros((2, 0, 2, tiers))
        """Prior USD touched in this stretch, and times its hazard."""
        self._told: Floats = np.zeros((0, 2))
        """Capped USD of orders told in this stretch."""
        self._usual: Floats = np.zeros((2, 0, tiers))
        """Prior USD touched, and times its hazard: fading."""
        self._sums = [0.0, 0.0]
        """Slope and curvature of the parabolas at pace 1, in orders x closings, and x closings squared; fading."""
        self._in_sums: list[int] = []
        """Rows told of in sums: their stretch ends with each sum."""
        self._log = 0.0
        self._stood: Floats = np.zeros(tiers)
        """Logarithm of the pace that what stands of each tier was closing at: a mean over the tier's usual lifetime."""
        self._window_ms = self._hour_ms = 0

    def admit(self) -> None:
        """One more row."""
        tiers = self._usual.shape[2]
        self._touched = np.concatenate([self._touched, np.zeros((2, 1, 2, tiers))], axis=1)
        self._told = np.concatenate([self._told, np.zeros((1, 2))])
        self._usual = np.concatenate([self._usual, np.zeros((2, 1, tiers))], axis=1)

    # --- the update ---------------------------------------------------------------------------------------------------

    def on_step(
        self, touched_usd: Floats, hazard_usd: Floats, orders: Sequence[Order], sums: Sequence[Sums],
        calibration: Calibration, elapsed_ms: int, *, history: bool = False,
    ) -> None:
        """Both arrays are [row, side, tier]: USD, and USD times closings; the rest as `Calibration.on_step`, after it.

        `history`: few venues give past forced orders, so that silence in it means nothing.
        """
        self._hour_ms += elapsed_ms
        if self._hour_ms >= _HOUR_MS:
            self._end_hour()
        if touched_usd.any():
            self._touched[0] += touched_usd
            self._touched[1] += hazard_usd
        if orders:
            cap_usd = calibration.cap_usd()
            for row, side, usd in orders:
                if row in self._in_sums:
                    # It tells single orders now: a stretch of its own begins.
                    self._in_sums.remove(row)
                    self._forget([row])
                self._told[row, side] += min(usd, cap_usd)
        for rows, long_usd, short_usd in sums:
            self._take_sum(list(rows), np.array([[long_usd, short_usd]]), calibration)
        self._window_ms += elapsed_ms
        if self._window_ms >= _WINDOW_MS:
            self._end_window(calibration, history=history)

    def _take_sum(self, rows: list[int], told_usd: Floats, calibration: Calibration) -> None:
        # Before a row's first sum its touches were compared with nothing told, and belong to no stretch.
        if all(row in self._in_sums for row in rows):
            self._compare(rows, told_usd, calibration, together=True)
        self._in_sums = sorted({*self._in_sums, *rows})
        self._forget(rows)

    def _end_window(self, calibration: Calibration, *, history: bool) -> None:
        self._window_ms = 0
        rows = [row for row in range(len(self._told)) if row not in self._in_sums]
        if not history and self._touched[0, rows].any():
            self._compare(rows, self._told[rows], calibration)
        self._forget(rows)

    def _forget(self, rows: list[int]) -> None:
        """A stretch of these rows is over: what was touched in it makes what is usual."""
        self._usual[:, rows] += self._touched[:, rows].sum(axis=2)
        self._touched[:, rows] = 0.0
        self._told[rows] = 0.0

    def _compare(
        self, rows: list[int], told_usd: Floats, calibration: Calibration, *, together: bool = False
    ) -> None:
        """Add a parabola for each row and side of a stretch; `together`: the rows' USD were told as one."""
        grain_usd = calibration.grain_usd()
        if not grain_usd > 0:
            return
        touched, hazard = self._touched[:, rows]
        usual_usd, usual_hazard = self._usual[:, rows] + self._touched[:, rows].sum(axis=2)
        mean = np.divide(usual_hazard, usual_usd, out=np.zeros_like(usual_usd), where=usual_usd > 0)
        factor = calibration.promise()[rows][:, None] / grain_usd
        share = touched * factor
        promised, stood = share.sum(axis=2), (share * self._stood).sum(axis=2)
        older = ((hazard - mean[:, None] * touched) * factor).sum(axis=2)
        told = told_usd / grain_usd
        if together:
            promised, stood, older = (one.sum(axis=0, keepdims=True) for one in (promised, stood, older))
        heard = promised > _PROMISE_MIN
        promised, told = promised[heard], told[heard]
        stood, older = stood[heard] / promised, np.clip(older[heard] / promised, -_HAZARD_MAX, _HAZARD_MAX)
        # The variance of what is told is that of orders plus that of the model's own error, a share of the promise.
        excess = 1.0 + self._params.model_share**2 * promised
        beyond = np.minimum(told - promised, _DEVIATIONS_MAX * np.sqrt(1.0 + promised * excess))
        curvature = promised * older * older / excess
        self._sums[0] += float((curvature * stood - beyond * older / excess).sum())
        self._sums[1] += float(curvature.sum())

    def _end_hour(self) -> None:
        slope, curvature = self._sums
        self._stood += (self._log - self._stood) * (1.0 - self._closing.kept_share(self._hour_ms))
        self._log = min(max(slope / (curvature + self._params.pace_weight), -_LOG_MAX), _LOG_MAX)
        self._set_pace()
        self._usual *= fading(self._hour_ms, self._params.shape_h)
        kept = fading(self._hour_ms, self._params.pace_h)
        self._sums = [slope * kept, curvature * kept]
        self._hour_ms = 0

    def _set_pace(self) -> None:
        # A rational stand-in of the exponential function.
        root = (8.0 + self._log) / (8.0 - self._log)
        self._closing.pace = root * root * root * root

    def state(self) -> dict[str, Any]:
        arrays = [packed(array) for array in (self._touched, self._told, self._usual, self._stood)]
        return {
            "arrays": arrays, "sums": list(self._sums), "in_sums": list(self._in_sums), "log": self._log,
            "since": [self._window_ms, self._hour_ms],
        }

    def load_state(self, state: dict[str, Any]) -> None:
        self._touched, self._told, self._usual, self._stood = (unpacked(array) for array in state["arrays"])
        self._sums, self._in_sums, self._log = list(state["sums"]), list(state["in_sums"]), state["log"]
        self._window_ms, self._hour_ms = state["since"]
        self._set_pace()
