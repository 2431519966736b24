"""What the same trades could have come to: in another order, and with others of their kind in their place.

Every trade risks the same share of what is there when it is entered, one after the other. Order alone leaves the end as
it is (a product does not mind) and moves the deepest fall; drawing with replacement moves both.
"""

from collections.abc import Sequence

import msgspec
import numpy as np

from paper.score.price_path import Floats


class Percentiles(msgspec.Struct, frozen=True):
    """Of many runs, in percent of equity."""

    p5_pct: float
    p50_pct: float
    p95_pct: float


class MonteCarlo(msgspec.Struct, frozen=True):
    """`runs` of `trades` trades, each risking `risk_pct` of equity."""

    runs: int
    trades: int
    risk_pct: float
    seed: int
    drawdown_as_traded_pct: float
    drawdown_reordered: Percentiles
    """Deepest fall from a peak, over orders of the same trades."""
    drawdown_redrawn: Percentiles
    """The same with the trades drawn anew, with replacement."""
    end_redrawn: Percentiles
    """Change of equity at the end of those."""
    loses_share: float
    """Of the redrawn runs, those that end below where they began."""


def monte_carlo(r_multiples: Sequence[float], risk_pct: float, runs: int, seed: int) -> MonteCarlo | None:
    """None with fewer than two trades."""
    if len(r_multiples) < 2:
        return None
    traded = np.array(r_multiples)
    chance = np.random.default_rng(seed)
    reordered = chance.permuted(np.tile(traded, (runs, 1)), axis=1)
    redrawn = chance.choice(traded, (runs, len(traded)))
    ends = equity(redrawn, risk_pct)[:, -1]
    return MonteCarlo(
        runs, len(traded), risk_pct, seed, float(deepest_fall_pct(equity(traded[None, :], risk_pct))[0]),
        _percentiles(deepest_fall_pct(equity(reordered, risk_pct))),
        _percentiles(deepest_fall_pct(equity(redrawn, risk_pct))), _percentiles(100.0 * (ends - 1.0)),
        float((ends < 1.0).mean()),
    )


def equity(r_multiples: Floats, risk_pct: float) -> Floats:
    """[run, trade + 1]: equity over that at the beginning. What is lost is lost at most once."""
    factors = np.maximum(1.0 + r_multiples * risk_pct / 100.0, 0.0)
    ones = np.ones((len(r_multiples), 1))
    return np.asarray(np.concatenate([ones, np.cumprod(factors, axis=1)], axis=1))


def deepest_fall_pct(equities: Floats) -> Floats:
    """[run]: from a peak, in percent of it."""
    peaks = np.maximum.accumulate(equities, axis=1)
    return np.asarray((100.0 * (1.0 - equities / peaks)).max(axis=1))


def _percentiles(values: Floats) -> Percentiles:
    return Percentiles(*np.percentile(values, [5.0, 50.0, 95.0]).tolist())
