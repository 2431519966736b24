"""The arithmetic of what is learnt from forced orders: sizes of rows and tiers, and how fast positions are closed.

Pure functions over arrays as in `kernels`, and like those compared bit for bit.
"""

import math
from typing import Final

import numpy as np

from liqbot.market.estimate.kernels import Flags, Floats, Whole

_PROMISE_MIN: Final = 1e-3
"""Orders; where fewer were promised in a stretch, an order says nothing about closing."""
_HAZARD_MAX: Final = 3.0
"""Hazard counts up to this, in closings per position: little is left of what is older."""
_DEVIATIONS_MAX: Final = 3.0
"""Reported USD counts up to so many standard deviations above the promise, and never less than as many orders, so that
no cascade weighs more and no single order less than it should."""


def attribute(
    observed: Floats, reported: Floats, touched_usd: Floats, weights: Floats, promised: Floats,
    rows: Whole, side: int, usd: float, size_usd: float,
) -> bool:
    """Share an order, or a sum, among what was expected of these rows; nothing expected, nothing learnt.

    `promised[row]` is level times reporting share; `size_usd` is the size of the orders that the amount counts as: its
    own for one, the cap for what must be several. `out`: the first two. False when nothing was expected.
    """
    if not usd > 0:
        return False
    share = touched_usd[rows, side] * weights * promised[rows][:, None]
    total = float(share.sum())
    if not total > 0:
        share = touched_usd[rows, side] * weights
        total = float(share.sum())
    if not 0 < total < math.inf:
        return False
    share *= usd / total
    observed[rows] += share
    by_row = share.sum(axis=1)
    reported[rows] += np.stack([by_row / size_usd, by_row, by_row * size_usd], axis=1)
    return True


def effective_sizes(reported: Floats) -> Floats:
    """Per row, effective number of orders its sums rest on: less than their count when a few are large."""
    _, usd, squares = reported.T
    return np.asarray(np.divide(usd * usd, squares, out=np.zeros(len(usd)), where=squares > 0))


def row_factors(observed: Floats, expected: Floats, pooled: float, sizes: Floats, row_weight: float) -> Floats:
    """Reported over expected USD of each row, pulled toward that of all."""
    own = np.divide(observed, expected, out=np.full(len(expected), pooled), where=expected > 0)
    return np.asarray((own * sizes + pooled * row_weight) / (sizes + row_weight))


def levels_of(
    factor: Floats, sizes: Floats, complete: Flags, reported_usd: Floats, reporting: Floats, expected: Floats,
    silent_usd: float,
) -> tuple[Floats, Floats]:
    """What is reported of a row is level x reporting share: (levels, reporting shares).

    Complete feeds fix levels; others have their mean. A row that reported nothing of `silent_usd` expected is silent.
    """
    complete = complete & (sizes > 0)
    if complete.any():
        trust = sizes * complete
        shared = float((factor * trust).sum() / trust.sum())
    else:
        # Nobody reports everything: the one that reports most is taken to. A floor.
        shared = float(factor.max()) if len(factor) else 1.0
    # A venue known to report nothing stays silent until it reports something.
    silent = (reported_usd <= 0) & ((reporting <= 0) | (expected * shared > silent_usd))
    level = np.where(complete, factor, np.where(silent, shared, np.maximum(factor, shared)))
    shares = np.where(silent, 0.0, np.divide(factor, level, out=np.ones(len(level)), where=level > 0))
    return level, shares


def tier_prior(
    by_tier: Floats, observed: Floats, leverage_prior: Floats, pull: float, common: float, ratio_max: float
) -> Floats:
    """Of every tier, against the common weight: 1, or what reported positions say where there are any.

    Forced orders fix how large these are together, by the tiers that were reached; the others follow.
    """
    known = leverage_prior > 0
    prior: Floats = np.ones_like(by_tier)
    if known.any():
        reported_usd = float(observed[known].sum()) / common if common > 0 else 0.0
        size = (float((by_tier * leverage_prior)[known].sum()) + pull) / (reported_usd + pull)
        prior[known] = np.clip(leverage_prior[known] / size, 1.0 / ratio_max, ratio_max)
    return prior


def closing_evidence(
    touched: Floats, baseline: Floats, factor: Floats, stood: Floats, reported: Floats, model_share: float, *,
    together: bool,
) -> tuple[float, float]:
    """Slope and curvature of the log-likelihood of the closing pace, of one stretch; summed over its rows and sides.

    `touched[kind, row, side, tier]` and `baseline[kind, row, tier]` are prior USD, and times its hazard; `factor[row,
    tier]` turns prior USD into the orders that are promised, `reported[row, side]` counts orders. `together`: the rows'
    orders were reported as one sum.
    """
    usd, hazard = touched
    baseline_usd, baseline_hazard = baseline + touched.sum(axis=2)
    mean = np.divide(baseline_hazard, baseline_usd, out=np.zeros_like(baseline_usd), where=baseline_usd > 0)
    share = usd * factor[:, None]
    promised, then = share.sum(axis=2), (share * stood).sum(axis=2)
    older = ((hazard - mean[:, None] * usd) * factor[:, None]).sum(axis=2)
    if together:
        promised, then, older = (one.sum(axis=0, keepdims=True) for one in (promised, then, older))
    says = promised > _PROMISE_MIN
    promised, reported = promised[says], reported[says]
    then, older = then[says] / promised, np.clip(older[says] / promised, -_HAZARD_MAX, _HAZARD_MAX)
    # The variance of what is reported is that of orders plus that of the model's own error, a share of the promise.
    excess = 1.0 + model_share**2 * promised
    beyond = np.minimum(reported - promised, _DEVIATIONS_MAX * np.sqrt(1.0 + promised * excess))
    curvature = promised * older * older / excess
    return float((curvature * then - beyond * older / excess).sum()), float(curvature.sum())
