"""The touch measure's series: per step and side what was newly crossed, what was reported, and what models expected."""

from typing import Final

import msgspec
import numpy as np

from paper.score.bootstrap import Days, Estimate
from paper.score.fit import deviance, poisson_weights
from paper.score.frozen import Grid
from paper.score.price_path import FINE, LONG, OUTWARD, SHORT, Floats, Whole
from paper.score.record import ScoreRecord

CROSSED_LEAST: Final = 0.05
"""Score bins: marks are seen at the ends of steps only, so no step is taken to have crossed nothing at all."""


DEPTHS: Final = {"DEPTH": 2.0, "DEPTH1.5": 1.5}
"""Models that know how far price newly went and nothing else: powers of that distance."""
_BEYOND: Final = DEPTHS["DEPTH1.5"]
"""The control for depth. The square, fitted in quiet weeks, overshoots so far in a crash that nothing could be told."""


class Touch(msgspec.Struct, frozen=True, eq=False):
    """T steps; sides as everywhere. `crossed_bins` counts score bins beyond the mark before the step."""

    time_ms: Whole
    crossed_bins: Floats
    realised_usd: Floats
    """[T, 2] each."""
    reach: Floats
    """[T, 2, (from, to)] newly reached distance, in score bins, from the mark at the last origin; 0 before the first.
    """
    origin: Whole
    """[T] number of the last origin before the step, -1 before the first."""


def touch_of(record: ScoreRecord, grid: Grid) -> tuple[Touch, Whole]:
    """The series, and for each step of the tape the number of its step here."""
    group = -(-record.time_ms // record.setting.step_ms)
    starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    number = np.cumsum(np.r_[False, group[1:] != group[:-1]]).astype(np.int64)
    before = record.before[starts]
    low, high = np.fmin.reduceat(record.low, starts), np.fmax.reduceat(record.high, starts)
    crossed = np.maximum(np.stack([before - low, high - before], axis=1) / FINE, CROSSED_LEAST)
    realised = np.add.reduceat(record.printed_usd.sum(axis=1), starts, axis=0)
    ends = np.r_[starts[1:] - 1, len(record.time_ms) - 1]
    origin = grid.interval[starts] - 1
    reach = _reach(origin, low, high, grid)
    return Touch(record.time_ms[ends], crossed, realised, reach, origin), number


def _reach(origin: Whole, low: Floats, high: Floats, grid: Grid) -> Floats:
    found = np.zeros((len(origin), 2, 2))
    edges = np.r_[np.flatnonzero(np.r_[True, origin[1:] != origin[:-1]]), len(origin)]
    for first, stop in zip(edges[:-1].tolist(), edges[1:].tolist(), strict=True):
        if origin[first] < 0:
            continue
        mark = grid.mark[origin[first]] + grid.first
        extremes = np.fmin.accumulate(low[first:stop]), np.fmax.accumulate(high[first:stop])
        for side, extreme in enumerate(extremes):
            depth = np.maximum((extreme - mark) * OUTWARD[side] / FINE, 0.0)
            found[first:stop, side, 0] = np.r_[0.0, depth[:-1]]
            found[first:stop, side, 1] = depth
    return found


def summed(values: Floats, number: Whole) -> Floats:
    """[T, 2] from [S, 2]."""
    return np.stack([np.bincount(number, values[:, side]) for side in (LONG, SHORT)], axis=1)


def touched_of(maps: Floats, touch: Touch) -> Floats:
    """[T, 2] what maps frozen at the origins expect, each price counted when first reached since its origin."""
    below = np.concatenate((np.zeros((*maps.shape[:2], 1)), np.cumsum(np.nan_to_num(maps), axis=2)), axis=2)
    known = np.flatnonzero(touch.origin >= 0)
    at = np.minimum(touch.reach[known], maps.shape[2] - 1e-9)
    whole = at.astype(np.int64)
    rows = below[touch.origin[known]]
    left, right = (np.take_along_axis(rows, whole + more, axis=2) for more in (0, 1))
    value = left + (at - whole) * (right - left)
    found = np.zeros((len(touch.time_ms), 2))
    found[known] = value[..., 1] - value[..., 0]
    return found


class TouchSkill(msgspec.Struct, frozen=True):
    """M1 of one model."""

    d2: Estimate
    d2_long_ratio: float
    d2_short_ratio: float
    weights: tuple[tuple[float, ...], tuple[float, ...]]
    """Per side: of the newly crossed bins, with control for depth of their power, and of the model's expectation."""


class TouchScore:
    """Fits on the training steps, measures on the others; every model the same way.

    `beyond_depth` gives every model a weight on a power of the crossed distance too: what is left to tell models apart
    is then not how far price moved.
    """

    def __init__(
        self, touch: Touch, train: Whole, test: Whole, resamples: int, seed: int, *, beyond_depth: bool = False
    ) -> None:
        self._touch, self._train, self._test = touch, train, test
        self.days = Days(touch.time_ms[test], resamples, seed)
        self._controls = [touch.crossed_bins]
        self._constant = self._deviances(np.zeros_like(touch.realised_usd))[0]
        self._controls += [touch.crossed_bins**_BEYOND] if beyond_depth else []
        self.sums: dict[str, Floats] = {}
        """[days] deviance per model."""
        self.reference = self.days.sums(self._constant)

    def fitted(self, expected: Floats) -> tuple[Floats, list[Floats]]:
        """[T, 2] after the fit, and the weights per side."""
        touch, weights = self._touch, []
        found = np.zeros_like(expected)
        for side in (LONG, SHORT):
            regressors = np.stack([one[:, side] for one in (*self._controls, expected)])
            weight = poisson_weights(touch.realised_usd[self._train, side], regressors[:, self._train])
            found[:, side] = weight @ regressors
            weights.append(weight)
        return found, weights

    def _deviances(self, expected: Floats) -> tuple[Floats, list[Floats]]:
        fitted, weights = self.fitted(expected)
        return deviance(self._touch.realised_usd[self._test], fitted[self._test]), weights

    def skill(self, name: str, expected: Floats) -> TouchSkill:
        found, weights = self._deviances(expected)
        self.sums[name] = self.days.sums(found)
        with np.errstate(divide="ignore", invalid="ignore"):
            sides = (1.0 - found.sum(axis=0) / self._constant.sum(axis=0)).tolist()
        d2 = self.days.estimate(lambda own, reference: 1.0 - own / reference, self.sums[name], self.reference)
        fitted = [tuple(weight.tolist()) for weight in weights]
        return TouchSkill(d2, sides[LONG], sides[SHORT], (fitted[LONG], fitted[SHORT]))

    def difference(self, name: str, other: str) -> Estimate:
        """How much more of the constant model's deviance `name` explains than `other`."""
        return self.days.estimate(
            lambda own, others, reference: (others - own) / reference, self.sums[name], self.sums[other], self.reference
        )


def blended(touch: Touch, train: Whole, *parts: Floats) -> Floats:
    """[T, 2]: several expectations, weighted by side as the training steps would have it."""
    found = np.zeros_like(parts[0])
    for side in (LONG, SHORT):
        columns = np.stack([part[:, side] for part in parts])
        found[:, side] = poisson_weights(touch.realised_usd[train, side], columns[:, train]) @ columns
    return found
