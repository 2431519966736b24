"""M3 and M4: does the map order the visited bins as the prints did, beyond what distance alone orders?"""

import msgspec
import numpy as np

from paper.score.bootstrap import Days, Estimate
from paper.score.frozen import FrozenOutcome
from paper.score.params import ScoreParams
from paper.score.price_path import LONG, SHORT, Floats, Whole
from paper.score.ranks import Residual, correlation, falling, ranked

_TOPS = (0.2, 0.1)


class RankSkill(msgspec.Struct, frozen=True):
    """One model. The shuffled control is the mean over maps of other times, moved in bins relative to the mark."""

    partial: Estimate
    """Spearman after removing the ranks of distance and of the climatology per visit; mean of the sides."""
    partial_long_value: float
    partial_short_value: float
    plain_value: float
    shuffled_partial_value: float
    lift_fifth: Estimate
    """Share of reported USD in the densest fifth of visited bins over the share of bins; 1 is chance."""
    lift_tenth: Estimate
    shuffled_lift_fifth_value: float
    shuffled_lift_tenth_value: float

    @property
    def excess_value(self) -> float:
        return self.partial.value - self.shuffled_partial_value


class _Side(msgspec.Struct, frozen=True, eq=False):
    """Visited bins of one side: which origin and bin, the realised USD per whole bin, and its residual ranks."""

    origin: Whole
    column: Whole
    usd: Floats
    plain: Floats
    residual: Residual
    realised: Floats
    days: Days


class RankScore:
    """All models of one horizon over the same visited bins."""

    def __init__(
        self, found: FrozenOutcome, origins: Whole, origin_ms: Whole, climate: Floats, params: ScoreParams, seed: int
    ) -> None:
        self._params, self._origins = params, origins[found.usable[origins]]
        self._sides = [self._side(found, side, origin_ms, climate, seed) for side in (LONG, SHORT)]
        self._others = self._shuffled(origin_ms, seed)
        self.parts: dict[str, list[tuple[Floats, Floats, Floats]]] = {}

    def _side(self, found: FrozenOutcome, side: int, origin_ms: Whole, climate: Floats, seed: int) -> _Side:
        visited = found.visited[self._origins, side]
        row, column = np.nonzero(visited >= self._params.visited_share_min)
        origin = self._origins[row]
        usd = found.realised_usd[origin, side, column] / found.visited[origin, side, column]
        residual = Residual(column.astype(float), climate[origin, side, column])
        # One set of resampled days for both sides: every scored origin is in it, with or without visited bins.
        days = Days(origin_ms[self._origins], self._params.resamples, seed)
        plain = ranked(usd) - (len(usd) + 1) / 2
        return _Side(origin, column, usd, plain, residual, residual.of(usd), days)

    def _shuffled(self, origin_ms: Whole, seed: int) -> list[Whole]:
        """Per shuffle the origin whose map stands in for each origin's own, far enough away in time; none where the
        scored part is too short for that."""
        chance = np.random.default_rng(seed + 1)
        times = origin_ms[self._origins]
        gap_ms = self._params.shuffle_gap_h * 3_600_000
        # Those far enough away are the first so many and the last so many.
        early, late = np.searchsorted(times, times - gap_ms, "right"), np.searchsorted(times, times + gap_ms, "left")
        count = early + len(times) - late
        found: list[Whole] = []
        if not len(times) or not (count > 0).all():
            return found
        for _ in range(self._params.shuffles):
            drawn = (chance.random(len(times)) * count).astype(np.int64)
            drawn = np.where(drawn < early, drawn, drawn - early + late)
            stand_in = np.arange(int(origin_ms.shape[0]))
            stand_in[self._origins] = self._origins[drawn]
            found.append(stand_in)
        return found

    @property
    def bins(self) -> int:
        return sum(len(side.origin) for side in self._sides)

    def skill(self, name: str, maps: Floats) -> RankSkill:
        maps = np.nan_to_num(maps)
        own = [maps[one.origin, side, one.column] for side, one in enumerate(self._sides)]
        residuals = [one.residual.of(values) for one, values in zip(self._sides, own, strict=True)]
        self.parts[name] = [
            (
                self._by_day(one, left * one.realised), self._by_day(one, left * left),
                self._by_day(one, one.realised * one.realised),
            )
            for one, left in zip(self._sides, residuals, strict=True)
        ]
        partial = self._sides[0].days.estimate(_mean_correlation, *self._parts(name))
        each = [correlation(left, one.realised) for one, left in zip(self._sides, residuals, strict=True)]
        plain = np.mean([
            correlation(ranked(values) - (len(values) + 1) / 2, one.plain)
            for one, values in zip(self._sides, own, strict=True)
        ])
        control = [self._control(maps, stand_in) for stand_in in self._others]
        means = np.array(control).mean(axis=0).tolist() if control else [float("nan")] * 3
        lifts = [self._lift(own, top) for top in _TOPS]
        return RankSkill(
            partial=partial, partial_long_value=each[LONG], partial_short_value=each[SHORT], plain_value=float(plain),
            shuffled_partial_value=means[0], lift_fifth=lifts[0], lift_tenth=lifts[1],
            shuffled_lift_fifth_value=means[1], shuffled_lift_tenth_value=means[2],
        )

    def _by_day(self, one: _Side, values: Floats) -> Floats:
        rows = np.searchsorted(self._origins, one.origin)
        return one.days.sums(np.bincount(rows, values, minlength=len(self._origins)).astype(float))

    def _parts(self, name: str) -> list[Floats]:
        return [values for side in self.parts[name] for values in side]

    def difference(self, name: str, other: str) -> Estimate:
        """Partial rank correlation of `name` less that of `other`."""
        return self._sides[0].days.estimate(
            lambda *sums: _mean_correlation(*sums[:6]) - _mean_correlation(*sums[6:]),
            *self._parts(name), *self._parts(other),
        )

    def closed_share(self, name: str, base: str, top: str) -> Estimate:
        """How much of the way from `base` to `top` the partial rank correlation of `name` goes."""
        return self._sides[0].days.estimate(
            lambda *sums: (_mean_correlation(*sums[:6]) - _mean_correlation(*sums[6:12]))
            / (_mean_correlation(*sums[12:]) - _mean_correlation(*sums[6:12])),
            *self._parts(name), *self._parts(base), *self._parts(top),
        )

    def _control(self, maps: Floats, stand_in: Whole) -> tuple[float, float, float]:
        own = [maps[stand_in[one.origin], side, one.column] for side, one in enumerate(self._sides)]
        orders = [falling(values) for values in own]
        partial = np.mean([
            correlation(one.residual.of(values, order), one.realised)
            for one, values, order in zip(self._sides, own, orders, strict=True)
        ])
        fifth, tenth = (self._lift_value(orders, top) for top in _TOPS)
        return float(partial), fifth, tenth

    def _lift_value(self, orders: list[Whole], top: float) -> float:
        """As `_lift`, without an interval."""
        taken = total = 0.0
        chosen = 0
        for one, order in zip(self._sides, orders, strict=True):
            densest = _densest(order, top)
            taken += float(one.usd[densest].sum())
            total += float(one.usd.sum())
            chosen += int(densest.sum())
        return (taken / total) / (chosen / max(self.bins, 1)) if total > 0 and chosen else float("nan")

    def _lift(self, own: list[Floats], top: float) -> Estimate:
        sums: list[Floats] = [np.zeros(0)] * 4
        for number, (one, values) in enumerate(zip(self._sides, own, strict=True)):
            chosen = _densest(falling(values), top)
            found = [one.usd * chosen, one.usd, chosen.astype(float), np.ones(len(values))]
            parts = [self._by_day(one, part) for part in found]
            sums = parts if number == 0 else [a + b for a, b in zip(sums, parts, strict=True)]
        return self._sides[0].days.estimate(lambda usd, all_usd, bins, every: (usd / all_usd) / (bins / every), *sums)


def _densest(order: Whole, top: float) -> Floats:
    """The given share of entries, those first in order."""
    chosen = np.zeros(len(order), bool)
    chosen[order[: max(1, round(top * len(order)))]] = True
    return chosen


def _mean_correlation(*sums: Floats) -> Floats:
    """Of sums (product, own square, realised square) per side."""
    sides = [product / np.sqrt(np.maximum(own * realised, 1e-300)) for product, own, realised in (sums[:3], sums[3:])]
    found: Floats = (sides[0] + sides[1]) / 2.0
    return found
