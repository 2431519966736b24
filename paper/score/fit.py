"""Poisson deviance of USD, and the non-negative weights that make it least."""

import numpy as np

from paper.score.price_path import Floats

_ROUNDS = 30
"""Of multiplicative updates, which only bring the search near."""
_STEPS = 60
_HALVINGS = 30
_CLOSE = 1e-13
_LEAST = 1e-3
"""Of the constant model's rate: no forecast calls a print impossible where price newly crossed anything."""


def deviance(realised: Floats, expected: Floats) -> Floats:
    """Per entry 2 (y ln(y / e) - (y - e)); 0 where both are 0, infinite where only the expectation is."""
    with np.errstate(divide="ignore", invalid="ignore"):
        logged = np.where(realised > 0, realised * np.log(realised / expected), 0.0)
    found: Floats = 2.0 * (logged - (realised - expected))
    return found


def poisson_weights(realised: Floats, regressors: Floats) -> Floats:
    """Weights w >= 0, one per row of `regressors` [R, N], of the expectation w @ regressors that is most likely.

    The first regressor keeps at least a thousandth of the weight it would have alone. The likelihood is concave, so
    there is one best answer; a regressor times a constant gets its weight over that constant.
    """
    sums = regressors.sum(axis=1)
    total = float(realised.sum())
    used = np.flatnonzero(sums > 0)
    if not total > 0 or not len(used):
        return np.zeros(len(sums))
    # Every regressor sums to 1 and the outcome too: weights are shares, whatever the units were.
    shapes = regressors[used] / sums[used, None]
    least = np.where(used == 0, _LEAST, 0.0)
    found = np.zeros(len(sums))
    found[used] = _most_likely(realised / total, shapes, least) * total / sums[used]
    return found


def _most_likely(realised: Floats, shapes: Floats, least: Floats) -> Floats:
    """Multiplicative updates to come near, then Newton steps among the weights that are not at their bound."""
    # What no regressor names at all is beyond every weight.
    printed = (realised > 0) & (shapes > 0).any(axis=0)
    outcome, inside = realised[printed], shapes[:, printed]
    weights = np.full(len(shapes), 1.0 / len(shapes))
    for _ in range(_ROUNDS):
        weights = weights * (inside @ _over(outcome, weights @ inside))
    weights = np.maximum(weights, least)
    cost = _cost(outcome, inside, weights)
    for _ in range(_STEPS):
        expected = weights @ inside
        slope = 1.0 - inside @ _over(outcome, expected)
        free = (weights > least) | (slope < 0)
        curved = (inside[free] * _over(outcome, expected**2)) @ inside[free].T
        curved += 1e-12 * np.trace(curved) * np.eye(len(curved))
        step = np.zeros(len(weights))
        step[free] = -np.linalg.solve(curved, slope[free]) if free.any() else 0.0
        for _ in range(_HALVINGS):
            tried = np.maximum(weights + step, least)
            lower = _cost(outcome, inside, tried)
            if lower <= cost:
                break
            step /= 2.0
        else:
            break
        gained, weights, cost = cost - lower, tried, lower
        if gained <= _CLOSE * max(abs(cost), 1.0):
            break
    return np.asarray(weights)


def _over(outcome: Floats, expected: Floats) -> Floats:
    """0 where nothing is expected."""
    found: Floats = np.divide(outcome, expected, out=np.zeros_like(outcome), where=expected > 0)
    return found


def _cost(outcome: Floats, inside: Floats, weights: Floats) -> float:
    """Negative log-likelihood; infinite where told USD was called impossible."""
    expected = weights @ inside
    if not (expected > 0).all():
        return float("inf")
    return float(weights.sum() - outcome @ np.log(expected))
