"""Guards against over-fitting: how good the best of many trials looks by chance alone.

Returns are per period (a day), not annualised. Nothing here knows where they come from.
"""

import itertools
import math
from statistics import NormalDist
from typing import Final

import msgspec
import numpy as np

from paper.score.price_path import Floats

EULER_MASCHERONI: Final = 0.5772156649015329
BLOCKS: Final = 16
"""Into which the periods are cut: 12,870 ways to choose half of them."""
_NORMAL: Final = NormalDist()


class SharpeMoments(msgspec.Struct, frozen=True):
    """Of one series of returns."""

    sharpe_ratio: float
    """Mean over standard deviation, per period; NaN for a series that does not vary."""
    skew_ratio: float
    kurtosis_ratio: float
    """3 for a normal distribution."""
    periods: int


def moments_of(returns: Floats) -> SharpeMoments:
    """Standard deviation with one degree of freedom less, as a Sharpe ratio has it; skew and kurtosis without."""
    periods = len(returns)
    if periods < 2 or not np.ptp(returns) > 0:
        return SharpeMoments(math.nan, math.nan, math.nan, periods)
    deviations = returns - returns.mean()
    spread = float(np.sqrt(np.mean(deviations**2)))
    return SharpeMoments(
        float(returns.mean() / returns.std(ddof=1)), float(np.mean(deviations**3)) / spread**3,
        float(np.mean(deviations**4)) / spread**4, periods,
    )


def expected_largest_sharpe(variance: float, trials: int) -> float:
    """What the largest Sharpe ratio of so many trials without any skill is expected to be, `variance` being that of
    their Sharpe ratios: the False Strategy theorem, Bailey & Lopez de Prado, "The Deflated Sharpe Ratio", Journal of
    Portfolio Management 40(5), 2014, equation for SR_0. 0 for a single trial."""
    if trials < 2:
        return 0.0
    first, second = _NORMAL.inv_cdf(1.0 - 1.0 / trials), _NORMAL.inv_cdf(1.0 - 1.0 / (trials * math.e))
    return math.sqrt(variance) * ((1.0 - EULER_MASCHERONI) * first + EULER_MASCHERONI * second)


def probabilistic_sharpe(found: SharpeMoments, benchmark: float) -> float:
    """Chance that the true Sharpe ratio is above `benchmark`, with the series' own skew and kurtosis (ibid.,
    equation for DSR). NaN where the series says nothing."""
    ratio = found.sharpe_ratio
    spread = 1.0 - found.skew_ratio * ratio + (found.kurtosis_ratio - 1.0) / 4.0 * ratio**2
    if not spread > 0 or found.periods < 2:
        return math.nan
    return _NORMAL.cdf((ratio - benchmark) * math.sqrt(found.periods - 1) / math.sqrt(spread))


def deflated_sharpe(best: Floats, sharpe_ratios: Floats) -> float:
    """The Deflated Sharpe Ratio of the returns of the best of all trials, whose Sharpe ratios are given (NaN ones did
    not trade and are no trials): the chance that it has any skill at all, given that it was picked from so many."""
    known = sharpe_ratios[np.isfinite(sharpe_ratios)]
    variance = float(known.var(ddof=1)) if len(known) > 1 else 0.0
    return probabilistic_sharpe(moments_of(best), expected_largest_sharpe(variance, len(known)))


def overfitting_probability(returns: Floats, blocks: int = BLOCKS) -> float:
    """Probability of backtest overfitting by combinatorially symmetric cross-validation (Bailey, Borwein, Lopez de
    Prado & Zhu, "The Probability of Backtest Overfitting", Journal of Computational Finance, 2015): the periods are cut
    into blocks; for every choice of half of them, the trial that is best in that half is ranked in the other half; the
    answer is how often it comes out at or below the median there.

    `returns` [period, trial]. NaN with fewer than two trials or fewer periods than blocks. ValueError for an odd number
    of blocks."""
    if blocks < 2 or blocks % 2:
        raise ValueError(f"blocks: {blocks} must be even and at least 2")
    periods, trials = returns.shape
    if trials < 2 or periods < blocks:
        return math.nan
    parts = np.array_split(np.arange(periods), blocks)
    counts = np.array([len(part) for part in parts], dtype=float)
    sums = np.stack([returns[part].sum(axis=0) for part in parts])
    squares = np.stack([(returns[part] ** 2).sum(axis=0) for part in parts])
    below = chosen = 0
    for half in itertools.combinations(range(blocks), blocks // 2):
        inside = np.zeros(blocks, dtype=bool)
        inside[list(half)] = True
        best = int(np.argmax(_sharpe(sums, squares, counts, inside)))
        other = _sharpe(sums, squares, counts, ~inside)
        # Relative rank from 0 to 1, ties by half, as its logit is below 0 exactly when the rank is below one half.
        rank = float((other < other[best]).sum()) + 0.5 * float((other == other[best]).sum() + 1)
        below += rank / (trials + 1) <= 0.5
        chosen += 1
    return below / chosen


def _sharpe(sums: Floats, squares: Floats, counts: Floats, chosen: np.ndarray) -> Floats:
    """[trial]: over the chosen blocks; minus infinity for one that does not vary, so that it is never the best."""
    count = counts[chosen].sum()
    mean = sums[chosen].sum(axis=0) / count
    variance = np.maximum(squares[chosen].sum(axis=0) / count - mean**2, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = mean / np.sqrt(variance)
    return np.where(variance > 0, found, -np.inf)
