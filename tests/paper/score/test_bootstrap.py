"""Intervals from resampled days: pairing, known spreads, and what is said when there is nothing to measure."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paper.score.bootstrap import Days

DAY_MS = 86_400_000


def ratio(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return a / b


def days_of(count: int, per_day: int = 24, *, resamples: int = 2000, seed: int = 1) -> Days:
    return Days(np.arange(count * per_day) * (DAY_MS // per_day), resamples, seed)


def test_values_are_summed_by_day_and_further_axes_with_them() -> None:
    days = days_of(3, 2)
    values = np.arange(12.0).reshape(6, 2)
    assert days.sums(values).tolist() == [0 + 1 + 2 + 3, 4 + 5 + 6 + 7, 8 + 9 + 10 + 11]
    assert len(days.days) == 3


@given(st.integers(0, 100), st.floats(-1e6, 1e6))
def test_a_constant_has_no_spread_and_the_value_lies_inside(seed: int, value: float) -> None:
    chance = np.random.default_rng(seed)
    days = days_of(20, resamples=200, seed=seed)
    weight = days.sums(chance.random(20 * 24) + 0.1)
    same = days.estimate(ratio, weight * value, weight)
    assert (same.low, same.value, same.high) == pytest.approx((value, value, value))
    noisy = days.estimate(ratio, weight * chance.normal(size=20), weight)
    assert noisy.low <= noisy.value <= noisy.high


def test_the_interval_of_a_mean_is_that_of_its_days_not_of_its_hours() -> None:
    """Hours of one day all say the same: 40 days of 24 hours are 40 observations."""
    chance = np.random.default_rng(2)
    by_day = chance.normal(size=400)
    days = days_of(400, resamples=4000)
    found = days.estimate(ratio, days.sums(np.repeat(by_day, 24)), days.sums(np.ones(400 * 24)))
    wanted = 1.96 * by_day.std() / np.sqrt(400)
    assert found.high - found.value == pytest.approx(wanted, rel=0.1)
    assert found.value - found.low == pytest.approx(wanted, rel=0.1)


def test_differences_pair_what_happened_on_the_same_days() -> None:
    """Two wildly varying models, one always a little better: each is uncertain, their difference is not."""
    chance = np.random.default_rng(3)
    storm = chance.exponential(size=60)
    days = days_of(60)
    ours, theirs, weight = storm * 10 + 0.1, storm * 10, np.ones(60)
    alone = days.estimate(ratio, ours, weight)
    paired = days.estimate(lambda a, b, w: (a - b) / w, ours, theirs, weight)
    assert alone.high - alone.low > 1.0
    assert (paired.low, paired.high) == pytest.approx((0.1, 0.1))
    assert paired.above_zero


def test_the_same_seed_draws_the_same_days() -> None:
    values = np.random.default_rng(4).random(30)
    one, same, other = (days_of(30, seed=seed).estimate(ratio, values, np.ones(30)) for seed in (5, 5, 6))
    assert one == same
    assert one != other


def test_nothing_to_measure_is_not_a_number_and_never_above_zero() -> None:
    nothing = Days(np.zeros(0, np.int64), 50, 1).estimate(ratio, np.zeros(0), np.zeros(0))
    assert nothing.value != nothing.value
    assert not nothing.above_zero
    empty = days_of(5).estimate(ratio, np.zeros(5), np.zeros(5))
    assert empty.low != empty.low


def test_days_on_which_nothing_can_be_measured_are_left_out_of_the_spread() -> None:
    """All USD on one day of three: resamples without it have no ratio, the others all the same one."""
    found = days_of(3).estimate(ratio, np.array([0.0, 6.0, 0.0]), np.array([0.0, 2.0, 0.0]))
    assert (found.low, found.value, found.high) == (3.0, 3.0, 3.0)
