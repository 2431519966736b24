"""Sizes: ratios per venue, the reliability curve, chances of large prints, and what a density percentile is worth."""

import numpy as np
import pytest

from paper.score.frozen import FrozenOutcome
from paper.score.sizes import densities, exceedances, reliability, venue_sizes

DAY_MS = 86_400_000
ORIGINS, BINS = 24 * 12, 8
EVERY = np.arange(ORIGINS)
TRAIN, TEST = EVERY[:96], EVERY[96:]
DISTANCE = np.ones((ORIGINS, 2, BINS))


def outcome(seed: int = 1) -> tuple[FrozenOutcome, np.ndarray]:
    """A forecast, and prints that are Poisson-like about it."""
    chance = np.random.default_rng(seed)
    forecast = chance.exponential(1000.0, size=(ORIGINS, 2, BINS))
    visited = np.clip(chance.random((ORIGINS, 2, 1)) * BINS * 1.5 - np.arange(BINS), 0.0, 1.0)
    usd = chance.exponential(forecast) * visited
    return FrozenOutcome(4, np.ones(ORIGINS, bool), visited, usd, 0.0), forecast


def test_a_venue_that_is_promised_twice_too_much_has_ratio_two() -> None:
    chance = np.random.default_rng(1)
    realised = chance.exponential(size=(240, 3, 2))
    realised[:, 2] = 0.0
    expected = realised * np.array([1.0, 2.0, 1.0])[None, :, None] + 0.0
    times = np.arange(240) * (DAY_MS // 24)
    found = venue_sizes(("a", "b", "silent"), expected, realised, times, 200, 1)
    assert [one.venue for one in found] == ["a", "b"]
    assert [one.ratio.value for one in found] == pytest.approx([1.0, 2.0])
    assert (found[1].ratio.low, found[1].ratio.high) == pytest.approx((2.0, 2.0))
    assert found[0].realised_usd == pytest.approx(realised[:, 0].sum())


def test_true_sizes_lie_on_the_diagonal_and_doubled_ones_beside_it() -> None:
    found, forecast = outcome()
    curve = reliability(found, EVERY, forecast)
    assert sum(one.count for one in curve) == int((found.visited > 0).sum())
    assert [one.expected_usd for one in curve] == sorted(one.expected_usd for one in curve)
    for one in curve[2:]:
        assert one.realised_usd == pytest.approx(one.expected_usd, rel=0.4)
    total = sum(one.count * one.realised_usd for one in curve)
    assert total == pytest.approx(found.realised_usd.sum())
    twice = reliability(found, EVERY, forecast * 2)
    assert [one.realised_usd for one in twice] == pytest.approx([one.realised_usd for one in curve])
    assert [one.expected_usd for one in twice] == pytest.approx([2 * one.expected_usd for one in curve])


def test_a_map_that_knows_sizes_tells_large_prints_and_one_that_does_not_tells_no_more_than_the_share() -> None:
    found, forecast = outcome()
    (knows,) = exceedances(found, TRAIN, TEST, forecast, DISTANCE, [1500.0])
    blind = np.random.default_rng(9).random(forecast.shape)
    # Whatever is visited more is more: a forecast that knows nothing of USD still knows that.
    (guesses,) = exceedances(found, TRAIN, TEST, blind / np.maximum(found.visited, 1e-9), DISTANCE, [1500.0])
    assert knows.skill_value > 0.1
    # Every print's size is independent of distance here: knowing it is worth how much of the bin was visited, no more.
    assert 0.05 < knows.distance_skill_value <= knows.skill_value + 0.01
    (itself,) = exceedances(found, TRAIN, TEST, DISTANCE, DISTANCE, [1500.0])
    assert itself.distance_skill_value == 0.0
    assert abs(guesses.skill_value) < 0.05
    assert 0 < knows.happened_share < 1
    # Brier is a mean square of chances.
    assert 0 <= knows.brier_value <= knows.climatology_brier_value <= 0.25 + 1e-9


def test_chances_come_from_the_training_part_alone() -> None:
    found, forecast = outcome()
    (before,) = exceedances(found, TRAIN, TEST, forecast, DISTANCE, [1500.0])
    found.realised_usd[TEST] = 0.0
    (after,) = exceedances(found, TRAIN, TEST, forecast, DISTANCE, [1500.0])
    assert after.happened_share == 0.0
    usual = float((found.realised_usd[TRAIN][found.visited[TRAIN] > 0] > 1500).mean())
    assert after.climatology_brier_value == pytest.approx(usual**2)
    assert before.climatology_brier_value != after.climatology_brier_value


def test_nothing_visited_gives_no_chances_and_no_densities() -> None:
    found, forecast = outcome()
    found.visited[:] = 0.0
    assert exceedances(found, TRAIN, TEST, forecast, DISTANCE, [1.0]) == ()
    assert densities(found, TEST, forecast, forecast, 0.5) == ()


def test_a_percentile_that_orders_prints_rises_and_one_that_does_not_stays_in_the_middle() -> None:
    found, forecast = outcome()
    usual = np.full_like(forecast, 1000.0)
    ranks = forecast.argsort(axis=None).argsort().reshape(forecast.shape) / forecast.size * 100
    rising = densities(found, EVERY, ranks, usual, 0.5)
    assert [one.percentile_low for one in rising] == [10.0 * number for number in range(10)]
    told = [one.realised_percentile for one in rising]
    assert told[0] < 30
    assert told[-1] > 60
    assert np.corrcoef(told, range(10))[0, 1] > 0.95
    blind = densities(found, EVERY, np.random.default_rng(3).random(forecast.shape) * 100, usual, 0.5)
    assert all(40 < one.realised_percentile < 60 for one in blind)
    assert sum(one.count for one in blind) == int((found.visited >= 0.5).sum())


def test_origins_without_a_percentile_are_left_out() -> None:
    found, forecast = outcome()
    ranks = np.full_like(forecast, 50.0)
    ranks[:100] = np.nan
    (only,) = densities(found, EVERY, ranks, forecast, 0.5)
    assert only.count == int((found.visited[100:] >= 0.5).sum())
