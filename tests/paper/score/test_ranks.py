"""Ranks with ties, residual ranks, and the rank measures on cases whose value is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paper.score.frozen import FrozenOutcome
from paper.score.params import ScoreParams
from paper.score.rank_skill import RankScore
from paper.score.ranks import Residual, correlation, ranked

HOUR_MS = 3_600_000


def test_ties_share_their_mean_rank() -> None:
    assert ranked(np.array([5.0, 1.0, 5.0, 7.0])).tolist() == [2.5, 1.0, 2.5, 4.0]


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40))
def test_ranks_keep_order_and_sum(values: list[float]) -> None:
    found = ranked(np.array(values))
    assert found.sum() == pytest.approx(len(values) * (len(values) + 1) / 2)
    order = np.argsort(values, kind="stable")
    assert (np.diff(found[order]) >= 0).all()


@given(st.integers(0, 1000))
def test_what_a_control_says_is_taken_out(seed: int) -> None:
    chance = np.random.default_rng(seed)
    control, other = chance.random(50), chance.random(50)
    residual = Residual(control, np.ones(50), control)
    assert residual.of(np.exp(control)) == pytest.approx(np.zeros(50), abs=1e-9)
    left = residual.of(other)
    assert correlation(left, ranked(control) - 25.5) == pytest.approx(0.0, abs=1e-9)
    assert np.isnan(correlation(residual.of(control), left))


def cases(origins: int = 24 * 12, bins: int = 6) -> tuple[FrozenOutcome, np.ndarray]:
    """Random USD in every bin, falling with distance; every bin visited."""
    chance = np.random.default_rng(11)
    usd = chance.exponential(size=(origins, 2, bins)) / np.arange(1, bins + 1)
    times = np.arange(origins) * HOUR_MS
    return FrozenOutcome(4, np.ones(origins, bool), np.ones_like(usd), usd, 0.0), times


def scored(found: FrozenOutcome, times: np.ndarray) -> RankScore:
    climate = np.broadcast_to(1.0 / np.arange(1, found.visited.shape[2] + 1), found.visited.shape)
    params = ScoreParams(shuffles=8, resamples=100)
    return RankScore(found, np.arange(len(times)), times, climate, params, seed=1)


def test_the_truth_has_rank_one_distance_has_none_and_other_times_none() -> None:
    found, times = cases()
    score = scored(found, times)
    true = score.skill("true", found.realised_usd)
    assert true.partial.value == pytest.approx(1.0, abs=1e-9)
    assert abs(true.shuffled_partial_value) < 0.05
    assert true.excess_value > 0.95
    distance = np.broadcast_to(-np.arange(6.0), found.visited.shape)
    # What distance alone orders counts as plain correlation and as nothing beyond it.
    assert score.skill("distance", distance).plain_value > 0.3
    assert not abs(score.skill("distance", distance).partial.value) > 0.05
    moved = score.skill("moved", np.roll(found.realised_usd, 60, axis=0))
    assert abs(moved.partial.value) < 0.06
    assert score.difference("true", "moved").low > 0.8
    assert score.closed_share("moved", "moved", "true").value == pytest.approx(0.0, abs=1e-9)
    assert score.closed_share("true", "moved", "true").value == pytest.approx(1.0, abs=1e-9)
    score.skill("half", found.realised_usd + np.roll(found.realised_usd, 60, axis=0))
    share = score.closed_share("half", "moved", "true")
    assert 0.1 < share.low < share.value < share.high < 0.9


def test_scale_and_any_rising_change_leave_ranks_alone() -> None:
    found, times = cases()
    score, chance = scored(found, times), np.random.default_rng(2)
    noisy = found.realised_usd * chance.lognormal(0, 1, size=found.realised_usd.shape)
    one, other = score.skill("one", noisy), score.skill("other", np.sqrt(noisy) * 7)
    assert one.partial.value == pytest.approx(other.partial.value)
    assert 0.2 < one.partial.value < 0.95


def test_lift_of_a_hand_made_case() -> None:
    """One bin in five holds all: its lift is five, found by the truth and by chance alone otherwise."""
    usd = np.zeros((24 * 10, 2, 5))
    usd[..., 2] = 10.0
    times = np.arange(len(usd)) * HOUR_MS
    score = scored(FrozenOutcome(4, np.ones(len(usd), bool), np.ones_like(usd), usd, 0.0), times)
    assert score.skill("true", usd).lift_fifth.value == pytest.approx(5.0)
    wrong = np.zeros_like(usd)
    wrong[..., 0] = 1.0
    assert score.skill("wrong", wrong).lift_fifth.value == pytest.approx(0.0)


def test_maps_of_other_times_are_far_away_and_from_all_over() -> None:
    found, times = cases()
    score = scored(found, times)
    assert len(score._others) == 8
    every = np.concatenate(score._others)
    away = np.abs(times[every] - np.tile(times, 8))
    assert away.min() >= 48 * HOUR_MS
    assert np.bincount(every, minlength=len(times)).max() < 40
    assert len(set(every.tolist())) > 0.9 * len(times)


def test_sides_are_ranked_apart_and_days_without_a_visit_are_no_error() -> None:
    found, times = cases()
    found.visited[: len(times) // 2] = 0.0
    found.visited[:, 1] = 0.0
    score = scored(found, times)
    skill = score.skill("true", found.realised_usd)
    assert skill.partial_long_value == pytest.approx(1.0)
    assert np.isnan(skill.partial_short_value)
