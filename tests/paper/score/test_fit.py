"""Poisson deviance and its fit: known values, the perfect forecast, and what the fit may never do."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paper.score.fit import deviance, poisson_weights
from paper.score.touch import Touch, TouchScore, blended

POSITIVE = st.lists(st.floats(0.01, 1e6), min_size=4, max_size=30)


def test_the_deviance_of_a_hand_made_case() -> None:
    found = deviance(np.array([0.0, 2.0, 3.0]), np.array([1.0, 2.0, 1.0]))
    assert found == pytest.approx([2.0, 0.0, 2 * (3 * np.log(3.0) - 2.0)])


@given(POSITIVE)
def test_no_expectation_is_better_than_the_outcome_itself(values: list[float]) -> None:
    realised = np.array(values)
    assert deviance(realised, realised) == pytest.approx(np.zeros(len(values)), abs=1e-6)
    assert (deviance(realised, realised * 1.7) > 0).all()


@given(POSITIVE, st.floats(1e-3, 1e3))
def test_a_single_weight_makes_the_sums_agree(values: list[float], factor: float) -> None:
    realised, shape = np.array(values), np.arange(1.0, len(values) + 1)
    weight = poisson_weights(realised, np.stack([shape * factor]))
    assert (weight[0] * shape * factor).sum() == pytest.approx(realised.sum(), rel=1e-6)


def test_two_weights_are_found_again() -> None:
    chance = np.random.default_rng(1)
    regressors = chance.exponential(size=(2, 4000))
    found = poisson_weights(np.array([3.0, 0.5]) @ regressors, regressors)
    assert found == pytest.approx([3.0, 0.5], rel=1e-3)


def test_nothing_reported_and_nothing_expected_give_no_weight() -> None:
    assert poisson_weights(np.zeros(5), np.ones((2, 5))) == pytest.approx([0.0, 0.0])
    assert poisson_weights(np.ones(5), np.stack([np.ones(5), np.zeros(5)])) == pytest.approx([1.0, 0.0])


def touch_of(realised: np.ndarray, crossed: np.ndarray) -> Touch:
    count = len(realised)
    times = np.arange(count) * 3_600_000
    return Touch(times, crossed, realised, np.zeros((count, 2, 2)), np.zeros(count, np.int64))


@pytest.fixture
def score() -> tuple[TouchScore, np.ndarray, np.ndarray]:
    chance = np.random.default_rng(3)
    crossed = chance.exponential(size=(240, 2)) + 0.05
    realised = chance.exponential(size=(240, 2)) * chance.integers(0, 2, size=(240, 2)) * crossed
    train, test = np.arange(80), np.arange(80, 240)
    return TouchScore(touch_of(realised, crossed), train, test, 200, 1), realised, crossed


def test_the_perfect_forecast_explains_all_and_the_constant_nothing(
    score: tuple[TouchScore, np.ndarray, np.ndarray],
) -> None:
    scored, realised, crossed = score
    perfect = scored.skill("perfect", realised)
    # The fit keeps a thousandth of the constant, so that no forecast calls anything impossible.
    assert perfect.d2.value == pytest.approx(1.0, abs=0.02)
    assert scored.skill("constant", crossed).d2.value == pytest.approx(0.0, abs=1e-9)
    assert perfect.d2.low <= perfect.d2.value <= perfect.d2.high


def test_scale_does_not_matter_and_shuffling_kills_it(score: tuple[TouchScore, np.ndarray, np.ndarray]) -> None:
    scored, realised, _ = score
    one, same = scored.skill("one", realised), scored.skill("same", realised * 1e-4)
    assert same.d2.value == pytest.approx(one.d2.value, abs=1e-3)
    shuffled = np.random.default_rng(9).permutation(realised)
    assert scored.skill("shuffled", shuffled).d2.value < 0.1
    lead = scored.difference("one", "shuffled")
    assert lead.low > 0.5
    assert scored.difference("one", "one").value == 0.0


def test_sides_are_fitted_apart() -> None:
    chance = np.random.default_rng(5)
    own = chance.exponential(size=(100, 2)) + 0.1
    realised = own * np.array([2.0, 30.0])
    touch = touch_of(realised, np.full((100, 2), 0.5))
    skill = TouchScore(touch, np.arange(50), np.arange(50, 100), 50, 1).skill("own", own)
    assert skill.weights[0][1] == pytest.approx(2.0, rel=0.02)
    assert skill.weights[1][1] == pytest.approx(30.0, rel=0.02)


def test_a_blend_prefers_what_told_the_training_part() -> None:
    chance = np.random.default_rng(6)
    good, bad = chance.exponential(size=(2, 100, 2)) + 0.01
    touch = touch_of(good * 7.0, np.ones((100, 2)))
    assert blended(touch, np.arange(60), bad, good) == pytest.approx(good * 7.0, rel=0.05, abs=0.05)


@given(st.integers(0, 400), st.floats(1e-6, 1e6))
def test_no_other_weights_are_more_likely_and_units_do_not_matter(seed: int, factor: float) -> None:
    chance = np.random.default_rng(seed)
    regressors = chance.exponential(size=(2, 60)) * (chance.random((2, 60)) < 0.7)
    regressors[1] = regressors[0] * chance.choice([0.0, 1.0], 1) + 0.01 * regressors[1]
    realised = chance.exponential(size=60) * (regressors.sum(axis=0) > 0) * (chance.random(60) < 0.3)
    found = poisson_weights(realised, regressors)
    scaled = poisson_weights(realised * factor, regressors / np.array([[1.0], [factor]]))
    assert scaled @ (regressors / np.array([[1.0], [factor]])) == pytest.approx(
        factor * (found @ regressors), rel=1e-5, abs=1e-6 * factor
    )
    best = deviance(realised, found @ regressors).sum()
    if np.isfinite(best) and realised.sum() > 0:
        for nudge in ((1.01, 1.0), (1.0, 1.01), (1.0, 0.99), (1.02, 0.98)):
            assert best <= deviance(realised, (found * nudge) @ regressors).sum() + 1e-6 * best


def test_two_regressors_that_nearly_agree_are_still_told_apart() -> None:
    """Where updates that only multiply creep for thousands of rounds."""
    chance = np.random.default_rng(8)
    first = chance.exponential(size=3000)
    regressors = np.stack([first, first + 0.01 * chance.exponential(size=3000)])
    assert poisson_weights(np.array([0.2, 3.0]) @ regressors, regressors) == pytest.approx([0.2, 3.0], rel=1e-3)
