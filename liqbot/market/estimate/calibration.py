"""`Calibration`: learns from observed forced orders how much of the modelled positions is really there.

Expected forced USD of a row (venue) and tier is touched prior mass x the row's factor x the tier's weight. Weights are
pooled over venues and sides, a row's factor over its tiers. Each order is shared among the tiers its own venue's mark
touched, in proportion to what was expected of them (expectation-maximisation for Poisson sums). Statistics fade, and
every estimate is a ratio of two running sums, pulled toward a prior that is worth a number of usual orders. Orders are
capped: one whale says little about the crowd. On top lies one fast scale, of hours.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from liqbot.market.estimate.array_state import packed, unpacked
from liqbot.market.estimate.decay import fading
from liqbot.market.estimate.entry_to_liquidation import Floats
from liqbot.market.params import CalibrationParams

Order = tuple[int, int, float]
"""Row, side (0 long, 1 short), USD."""
Sums = tuple[Sequence[int], float, float]
"""Rows that the sums are of, USD of longs, USD of shorts, since these rows' last sums."""

_LATE_MS: Final = 30_000.0
"""Orders are told a little after the touch: what was touched fades from memory within this time."""
_SIZES_MIN: Final = 20.0
"""Orders needed before their usual size caps the next ones."""


class Calibration:
    """`level[row]` x `weights[tier]` x `fast` x `tail` is real over prior USD; `reporting[row]` the share of it told.

    `tail` gives back what capping took: large positions exist, though no one learns from a single one where.
    """

    def __init__(self, params: CalibrationParams, tiers: int) -> None:
        self._params = params
        self._complete: list[bool] = []
        self._led: list[int] = []
        self.weights: Floats = np.ones(tiers)
        self.level: Floats = np.ones(0)
        self.reporting: Floats = np.ones(0)
        self.fast = self.tail = 1.0
        self.standing: Floats = np.zeros(tiers)
        """What measured positions say of the tiers, against each other; 0 where they say nothing. See `TierPrior`."""
        self._expected: Floats = np.zeros((0, tiers))
        """Touched prior USD, fading."""
        self._observed: Floats = np.zeros((0, tiers))
        """Capped USD of orders attributed to it, fading alike."""
        self._told: Floats = np.zeros((0, 3))
        """Per row: number of orders, sum of capped USD, sum of squares; fading alike."""
        self._recent: Floats = np.zeros((0, 2, tiers))
        """What was touched lately, fading within seconds."""
        self._since: Floats = np.zeros((0, 2, tiers))
        """What was touched since the row's last sums."""
        self._fast_sums: Floats = np.zeros(3)
        """Observed, expected, and squares of observed; fading fast."""
        self._tail_sums: Floats = np.zeros(2)
        """Attributed USD as told, and capped; fading slowly."""

    @property
    def rows(self) -> int:
        return len(self._complete)

    @property
    def scale(self) -> float:
        """Real over prior USD of everything lately expected: moves with what is learnt, not with the market."""
        expected = self._expected.sum(axis=1)
        total = float(expected.sum())
        return self.fast * self.tail * (float((expected * self.level).sum()) / total if total > 0 else 1.0)

    def multiplier(self) -> Floats:
        """[row, tier]: real over prior USD."""
        found: Floats = self.level[:, None] * (self.weights * (self.fast * self.tail))
        return found

    def promise(self) -> Floats:
        """[row, tier]: USD expected to be told, orders capped, per prior USD touched; 0 of rows that told nothing."""
        told = np.where(self._told[:, 1] > 0, self.level * self.reporting, 0.0)
        found: Floats = told[:, None] * (self.weights * self.fast)
        return found

    def grain_usd(self) -> float:
        """Size of equal orders whose sum would vary as much as that of the capped ones does; 0 before any was told."""
        _, total_usd, squares = self._told.sum(axis=0).tolist()
        return float(squares / total_usd) if total_usd > 0 else 0.0

    def cap_usd(self) -> float:
        """Orders count up to this; infinite before enough were told."""
        count, total_usd, _ = self._told.sum(axis=0).tolist()
        return float(self._params.cap_ratio * total_usd / count) if count >= _SIZES_MIN else float("inf")

    def orders_heard(self) -> float:
        """Effective number of orders the weights rest on: less than their count when a few are large."""
        return _effective(self._told.sum(axis=0))

    def spread_usd(self, usd: Floats) -> Floats:
        """Standard deviation of mapped USD, bin by bin: few positions of unequal size, and a level learnt from few.

        As large as the USD itself while nothing has been learnt.
        """
        heard = self.orders_heard()
        if not heard > 1.0:
            return usd.copy()
        grain_usd = self.grain_usd() * self.tail
        found: Floats = np.sqrt(usd * grain_usd + usd * usd * (1.0 / heard + self._params.model_share**2))
        return found

    def admit(self, *, complete: bool = False, silent: bool = False) -> None:
        """One more row; its venue tells every forced order, or none, as far as anybody knows."""
        tiers = len(self.weights)
        self._complete.append(complete)
        self.level = np.append(self.level, self._params.level_ratio)
        self.reporting = np.append(self.reporting, 0.0 if silent else 1.0)
        self._expected = np.concatenate([self._expected, np.zeros((1, tiers))])
        self._observed = np.concatenate([self._observed, np.zeros((1, tiers))])
        self._told = np.concatenate([self._told, np.zeros((1, 3))])
        self._recent = np.concatenate([self._recent, np.zeros((1, 2, tiers))])
        self._since = np.concatenate([self._since, np.zeros((1, 2, tiers))])

    # --- the update ---------------------------------------------------------------------------------------------------

    def on_step(
        self, touched_usd: Floats, orders: Sequence[Order], sums: Sequence[Sums], elapsed_ms: int, *,
        history: bool = False,
    ) -> None:
        """`touched_usd[row, side, tier]` is prior mass the step's prices touched; the others were told in the step.

        `history`: the step lies before the start. Few venues give past forced orders, so that silence means nothing.
        """
        self._fade(elapsed_ms)
        if touched_usd.any():
            self._recent += touched_usd
            self._since += touched_usd
            by_row = touched_usd.sum(axis=1)
            if history:
                by_row *= (self._told[:, 1] > 0)[:, None]
            self._expected += by_row
            self._fast_sums[1] += (by_row @ self.weights * self.level * self.reporting).sum()
        cap_usd = self.cap_usd()
        for row, side, usd in orders:
            capped_usd = min(usd, cap_usd)
            if self._attribute((row,), side, capped_usd, self._recent):
                self._tail_sums += (usd, capped_usd)
        for rows, *sides_usd in sums:
            for side, usd in enumerate(sides_usd):
                self._attribute(rows, side, usd, self._since)
            self._since[list(rows)] = 0.0
        if orders or sums:
            self._estimate()
        self._follow()

    def _fade(self, elapsed_ms: int) -> None:
        kept = fading(elapsed_ms, self._params.shape_h)
        self._expected *= kept
        self._observed *= kept
        self._told *= kept
        self._fast_sums *= fading(elapsed_ms, self._params.fast_h)
        self._tail_sums *= fading(elapsed_ms, self._params.tail_h)
        self._recent *= max(0.0, 1.0 - elapsed_ms / _LATE_MS)

    def _attribute(self, rows: Sequence[int], side: int, usd: float, touched_usd: Floats) -> bool:
        """Share an order, or a sum, among what was expected of these rows; nothing expected, nothing learnt."""
        if not usd > 0:
            return False
        at = list(rows)
        share = touched_usd[at, side] * self.weights * (self.level[at] * self.reporting[at])[:, None]
        total = float(share.sum())
        if not total > 0:
            share = touched_usd[at, side] * self.weights
            total = float(share.sum())
        if not 0 < total < float("inf"):
            return False
        share *= usd / total
        self._observed[at] += share
        by_row = share.sum(axis=1)
        # A sum over many orders counts as orders of the usual size.
        usual_usd = self._usual_usd(usd)
        self._told[at] += np.stack([by_row / usual_usd, by_row, by_row * usual_usd], axis=1)
        self._fast_sums += (usd, 0.0, usd * usual_usd)
        return True

    def _usual_usd(self, usd: float) -> float:
        """The size a told amount counts as: its own for an order, the usual one for what must be several."""
        return min(usd, self.cap_usd())

    def _estimate(self) -> None:
        """Factors of the rows, then weights of the tiers, from the running sums."""
        p = self._params
        expected = self._expected @ self.weights
        observed = self._observed.sum(axis=1)
        count, total_usd, _ = self._told.sum(axis=0).tolist()
        if not count > 0:
            return
        prior_usd = p.level_weight * total_usd / count
        pooled = (observed.sum() + prior_usd) / (expected.sum() + prior_usd / p.level_ratio)
        heard = _effective_rows(self._told)
        own = np.divide(observed, expected, out=np.full(self.rows, pooled), where=expected > 0)
        factor = (own * heard + pooled * p.row_weight) / (heard + p.row_weight)
        prior_usd = p.tail_weight * total_usd / count
        told_usd, capped_usd = self._tail_sums.tolist()
        self.tail = min((told_usd + prior_usd) / (capped_usd + prior_usd), p.tail_ratio_max)
        self._split(factor, heard, expected, total_usd / count)
        told = self._expected * (self.level * self.reporting)[:, None]
        by_tier = told.sum(axis=0)
        everything = float(by_tier.sum())
        if everything > 0:
            # A prior that all tiers have the common weight, worth so many orders in all.
            pull = p.mix_weight / max(self.orders_heard(), 1.0) * everything / len(by_tier)
            common = float(self._observed.sum()) / everything
            prior = common * self._prior(by_tier, pull, common)
            weights = (self._observed.sum(axis=0) + pull * prior) / (by_tier + pull)
            mean = float((weights * by_tier).sum()) / everything
            self.weights = weights / mean if mean > 0 else self.weights

    def _prior(self, by_tier: Floats, pull: float, common: float) -> Floats:
        """Of every tier, against the common weight: 1, or what measured positions say where there are any.

        Prints fix how large these are together, by the tiers that were reached; the others follow.
        """
        known = self.standing > 0
        prior: Floats = np.ones_like(by_tier)
        if known.any():
            told_usd = float(self._observed.sum(axis=0)[known].sum()) / common if common > 0 else 0.0
            size = (float((by_tier * self.standing)[known].sum()) + pull) / (told_usd + pull)
            most = self._params.standing_ratio_max
            prior[known] = np.clip(self.standing[known] / size, 1.0 / most, most)
        return prior

    def lead(self, rows: Sequence[int]) -> None:
        """Rows that take the level of the others, and tell everything, whatever they told before.

        So it is with venues whose positions are known: what is still modelled of them is too little to learn from.
        """
        self._led = list(rows)

    def _split(self, factor: Floats, heard: Floats, expected: Floats, usual_usd: float) -> None:
        """What is told of a row is level x reporting. Complete feeds fix levels; other rows have the usual one."""
        complete = np.array(self._complete) & (heard > 0)
        complete[self._led] = False
        if complete.any():
            trust = heard * complete
            usual = float((factor * trust).sum() / trust.sum())
        else:
            # Nobody tells everything: the one that tells most is taken to. A floor.
            others = np.delete(factor, self._led)
            usual = float(others.max()) if len(others) else 1.0
        # A venue known to tell nothing stays silent until it tells something.
        untold = (self.reporting <= 0) | (expected * usual > self._params.silent_count * usual_usd)
        silent = (self._told[:, 1] <= 0) & untold
        self.level = np.where(complete, factor, np.where(silent, usual, np.maximum(factor, usual)))
        self.level[self._led] = usual
        self.reporting = np.where(silent, 0.0, np.divide(factor, self.level, out=np.ones(self.rows),
                                                         where=self.level > 0))
        self.reporting[self._led] = 1.0

    def _follow(self) -> None:
        """The fast scale, of what the slow estimates leave unexplained in the last hours."""
        observed, expected, squares = self._fast_sums.tolist()
        p = self._params
        if expected > 0 and squares > 0 and observed > 0:
            heard = observed * observed / squares
            scale = (heard * observed / expected + p.fast_weight) / (heard + p.fast_weight)
            self.fast = min(max(scale, 1.0 / p.fast_scale_max), p.fast_scale_max)

    def state(self) -> dict[str, Any]:
        arrays = {name: packed(getattr(self, name)) for name in _ARRAYS}
        lists = {"complete": list(self._complete), "led": list(self._led)}
        return {**lists, "fast": self.fast, "tail": self.tail, **arrays}

    def load_state(self, state: dict[str, Any]) -> None:
        self._complete, self._led = list(state["complete"]), list(state["led"])
        self.fast, self.tail = state["fast"], state["tail"]
        for name in _ARRAYS:
            setattr(self, name, unpacked(state[name]))


_ARRAYS: Final = (
    "weights", "standing", "level", "reporting", "_expected", "_observed", "_told", "_recent", "_since", "_fast_sums",
    "_tail_sums",
)


def _effective(told: Floats) -> float:
    _, total, squares = told.tolist()
    return total * total / squares if squares > 0 else 0.0


def _effective_rows(told: Floats) -> Floats:
    found: Floats = np.divide(told[:, 1] * told[:, 1], told[:, 2], out=np.zeros(len(told)), where=told[:, 2] > 0)
    return found
