"""What each strategy's closed trades were worth, by side, in R: one R is what an entry would have lost at its first
stop. Means come with the middle 95 % of resampled days, because trades of one day share its fate."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec
import numpy as np

from paper.backtest.planned_trips import TripLine
from paper.score.bootstrap import Days, Estimate
from paper.score.price_path import Floats

RESAMPLES: Final = 2_000
BOTH: Final = "both"
_NOTHING: Final = Estimate(float("nan"), float("nan"), float("nan"))


class TradeSample(msgspec.Struct, frozen=True):
    """Closed trades as a statistic sees them, one entry each."""

    closed_ms: tuple[int, ...] = ()
    r_multiples: tuple[float, ...] = ()

    @classmethod
    def of(cls, trips: Iterable[TripLine]) -> "TradeSample":
        """Those that are closed and whose risk is known."""
        found = [(trip.closed_ms, trip.r_multiple) for trip in trips]
        known = [(closed_ms, r) for closed_ms, r in found if closed_ms is not None and r is not None]
        return cls(tuple(closed_ms for closed_ms, _ in known), tuple(r for _, r in known))

    def __len__(self) -> int:
        return len(self.r_multiples)


class StrategyStats(msgspec.Struct, frozen=True):
    """One row: closed trades of a strategy on a side. NaN where nothing was closed."""

    strategy: str
    side: str
    """long, short or both."""
    trades: int
    expectancy_r: Estimate
    profit_factor: float
    """Gains over losses, both in R; infinite without a loss."""
    win_rate_pct: float
    mae_r: float
    """Mean of the worst unrealised result of each trade (maximum adverse excursion)."""
    mfe_r: float
    """Mean of the best (maximum favourable excursion)."""
    exposure_pct: float
    """Share of the tape's time with a position of it."""
    costs_r: float
    """Mean of fees less funding received."""
    net_usd: float
    exits: dict[str, int]
    """How its trades ended, by reason."""


def stats_of(trips: Sequence[TripLine], span_ms: int, *, seed: int = 1) -> tuple[StrategyStats, ...]:
    """By strategy in alphabetical order, and within it both sides together, then each that traded."""
    found = []
    for strategy in sorted({trip.strategy for trip in trips if trip.closed_ms is not None}):
        own = [trip for trip in trips if trip.strategy == strategy and trip.closed_ms is not None]
        sides = sorted({trip.side for trip in own})
        for side in (BOTH, *sides):
            chosen = [trip for trip in own if side in (BOTH, trip.side)]
            found.append(_stats(strategy, side, chosen, span_ms, seed))
    return tuple(found)


def _stats(strategy: str, side: str, trips: Sequence[TripLine], span_ms: int, seed: int) -> StrategyStats:
    sample = TradeSample.of(trips)
    gains = sum(r for r in sample.r_multiples if r > 0)
    losses = -sum(r for r in sample.r_multiples if r < 0)
    held_ms = sum((trip.closed_ms or trip.opened_ms) - trip.opened_ms for trip in trips)
    return StrategyStats(
        strategy=strategy, side=side, trades=len(trips), expectancy_r=expectancy(sample, seed=seed),
        profit_factor=gains / losses if losses > 0 else float("inf") if gains > 0 else float("nan"),
        win_rate_pct=100.0 * sum(trip.net_usd > 0 for trip in trips) / len(trips),
        mae_r=_mean(trip.mae_r for trip in trips), mfe_r=_mean(trip.mfe_r for trip in trips),
        exposure_pct=100.0 * held_ms / span_ms if span_ms else float("nan"),
        costs_r=_mean(trip.costs_r for trip in trips), net_usd=float(sum(trip.net_usd for trip in trips)),
        exits=dict(Counter(trip.exit_reason for trip in trips).most_common()),
    )  # fmt: skip


def expectancy(sample: TradeSample, *, seed: int = 1) -> Estimate:
    """Mean R per trade."""
    if not len(sample):
        return _NOTHING
    days = Days(np.array(sample.closed_ms), RESAMPLES, seed)
    return days.estimate(_ratio, *_sums(days, sample.r_multiples))


def difference(own: TradeSample, control: TradeSample, *, seed: int = 1) -> Estimate:
    """Mean R of the one less that of the other; days are drawn for both at once, so that what a day did to both
    cancels."""
    if not len(own) or not len(control):
        return _NOTHING
    days = Days(np.array((*own.closed_ms, *control.closed_ms)), RESAMPLES, seed)
    first = _sums(days, own.r_multiples, after=len(control))
    second = _sums(days, control.r_multiples, before=len(own))
    return days.estimate(lambda r, n, other_r, other_n: r / n - other_r / other_n, *first, *second)


def _sums(days: Days, r_multiples: Sequence[float], *, before: int = 0, after: int = 0) -> tuple[Floats, Floats]:
    """By day: R and trades, of a sample that has others before and after it."""
    padded = np.pad(np.array(r_multiples), (before, after))
    counts = np.pad(np.ones(len(r_multiples)), (before, after))
    return days.sums(padded), days.sums(counts)


def _ratio(total: Floats, count: Floats) -> Floats:
    return total / count


def _mean(values: Iterable[float | None]) -> float:
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else float("nan")
