"""Poisson deviance of USD, and the non-negative weights that make it least."""

import numpy as np

from paper.score.frame import Floats

_ROUNDS = 400
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

    Multiplicative updates: they never leave the positive side and never get worse. The first regressor keeps at least
    a thousandth of the weight it would have alone.
    """
    sums = regressors.sum(axis=1)
    total = float(realised.sum())
    used = sums > 0
    if not total > 0 or not used.any():
        return np.zeros(len(sums))
    alone = np.where(used, total / np.where(used, sums, 1.0), 0.0)
    weights = alone / used.sum()
    for _ in range(_ROUNDS):
        expected = weights @ regressors
        ratio = np.where(expected > 0, realised / np.where(expected > 0, expected, 1.0), 0.0)
        weights = np.where(used, weights * (regressors @ ratio) / np.where(used, sums, 1.0), 0.0)
    weights[0] = max(weights[0], _LEAST * alone[0])
    return np.asarray(weights)
