"""M2 by window: only which window counts, not the place inside, and totals need no place."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paper.score.frozen import FrozenOutcome
from paper.score.information import InformationScore
from paper.score.params import ScoreParams
from paper.score.windows import by_window, depth, over_windows

HOURS, BINS = 24 * 8, 6
TIMES = np.arange(HOURS) * 3_600_000
PARAMS = ScoreParams(resamples=50)


def outcome(seed: int = 1) -> FrozenOutcome:
    """Price goes some way on each side; what is reported grows with more than the way."""
    chance = np.random.default_rng(seed)
    way = chance.exponential(2.0, size=(HOURS, 2, 1))
    visited = np.clip(way - np.arange(BINS), 0.0, 1.0)
    usd = visited * chance.exponential(size=(HOURS, 2, 1)) * (1 + way)
    return FrozenOutcome(1, np.ones(HOURS, bool), visited, usd, 0.0)


def bits(found: FrozenOutcome, maps: np.ndarray) -> float:
    reference = np.ones(found.visited.shape)
    scored = InformationScore(by_window(found), np.arange(HOURS), TIMES, over_windows(found, reference), PARAMS, 1)
    return scored.gain("one", over_windows(found, maps)).rate_bits.value


def perfect(found: FrozenOutcome) -> np.ndarray:
    return np.divide(found.realised_usd, found.visited, out=np.zeros_like(found.visited), where=found.visited > 0)


@given(st.integers(0, 30))
def test_moving_usd_within_its_windows_changes_nothing(seed: int) -> None:
    found = outcome(seed)
    total = found.realised_usd.sum(axis=2, keepdims=True)
    share = found.visited / np.maximum(found.visited.sum(axis=2, keepdims=True), 1e-9)
    even = FrozenOutcome(1, found.usable, found.visited, total * share, 0.0)
    maps = np.random.default_rng(seed).exponential(size=found.visited.shape)
    assert bits(even, maps) == pytest.approx(bits(found, maps))
    assert bits(even, perfect(found)) == pytest.approx(bits(found, perfect(found)))


def test_the_forecast_of_a_window_is_the_map_over_what_was_visited() -> None:
    found = outcome()
    maps = np.random.default_rng(2).exponential(size=found.visited.shape)
    told = over_windows(found, maps) * depth(found)
    assert told[..., 0] == pytest.approx((maps * found.visited).sum(axis=2))
    assert by_window(found).realised_usd.sum() == pytest.approx(found.realised_usd.sum())


def test_no_forecast_is_better_than_the_outcome_and_scale_is_nothing() -> None:
    found = outcome()
    best = bits(found, perfect(found))
    chance = np.random.default_rng(3)
    for _ in range(5):
        noisy = perfect(found) * chance.lognormal(0.0, 1.0, size=found.visited.shape)
        assert bits(found, noisy) < best
        assert bits(found, noisy * 1e5) == pytest.approx(bits(found, noisy))


def test_knowing_the_depth_is_worth_something_and_other_times_are_not() -> None:
    found = outcome()
    ones = np.ones(found.visited.shape)
    assert bits(found, ones) == pytest.approx(0.0, abs=1e-12)
    by_depth = bits(found, ones * depth(found))
    assert by_depth > 0.02
    assert bits(found, np.roll(perfect(found), 50, axis=0)) < by_depth
