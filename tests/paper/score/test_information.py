"""Information gain: known bits, invariance to scale, and what poison after the training part may not touch."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paper.score.frozen import FrozenOutcome
from paper.score.information import InformationScore, with_climatology
from paper.score.params import ScoreParams

HOUR_MS = 3_600_000
PARAMS = ScoreParams(resamples=100, uniform_share=1e-9)
ORIGINS, BINS = 24 * 6, 4
TRAIN, TEST = np.arange(48), np.arange(48, ORIGINS)
TIMES = np.arange(ORIGINS) * HOUR_MS


def outcome(usd: np.ndarray, visited: np.ndarray | None = None) -> FrozenOutcome:
    seen = np.ones_like(usd) if visited is None else visited
    return FrozenOutcome(4, np.ones(len(usd), bool), seen, usd, 0.0)


def scored(found: FrozenOutcome, reference: np.ndarray, params: ScoreParams = PARAMS) -> InformationScore:
    return InformationScore(found, TEST, TIMES, reference, params, seed=1)


def shape(*values: float) -> np.ndarray:
    return np.broadcast_to(np.array(values), (ORIGINS, 2, BINS)).copy()


def test_all_usd_in_the_one_bin_a_map_names_gains_two_bits_over_four_even_bins() -> None:
    usd = shape(0, 5, 0, 0)
    score = scored(outcome(usd), shape(1, 1, 1, 1))
    gain = score.gain("sure", usd)
    assert gain.bits.value == pytest.approx(2.0, abs=1e-6)
    assert (gain.long_value, gain.short_value) == pytest.approx((2.0, 2.0), abs=1e-6)
    assert score.gain("half", shape(1, 1, 0, 0)).bits.value == pytest.approx(1.0, abs=1e-6)
    assert score.gain("even", shape(3, 3, 3, 3)).bits.value == pytest.approx(0.0, abs=1e-9)
    assert score.difference("sure", "half").value == pytest.approx(1.0, abs=1e-6)


def test_a_part_spread_evenly_bounds_what_a_wrong_map_loses() -> None:
    params = PARAMS.model_copy(update={"uniform_share": 0.05})
    wrong = scored(outcome(shape(0, 5, 0, 0)), shape(1, 1, 1, 1), params).gain("wrong", shape(1, 0, 0, 0))
    assert wrong.bits.value == pytest.approx(np.log2(0.05), abs=1e-6)


def test_bins_that_were_not_visited_do_not_count() -> None:
    visited = shape(1, 1, 0, 0)
    score = scored(outcome(shape(0, 5, 0, 0), visited), shape(1, 1, 1, 1))
    assert score.gain("sure", shape(0, 1, 9, 9)).bits.value == pytest.approx(1.0, abs=1e-6)


def random_case(seed: int) -> tuple[FrozenOutcome, np.ndarray]:
    chance = np.random.default_rng(seed)
    usd = chance.exponential(size=(ORIGINS, 2, BINS)) * (1 + (np.arange(ORIGINS) // 24 % 3)[:, None, None])
    return outcome(usd), chance.exponential(size=usd.shape)


@given(st.integers(0, 50), st.floats(1e-6, 1e6))
def test_scale_is_lost_by_place_and_by_rate(seed: int, factor: float) -> None:
    found, maps = random_case(seed)
    score = scored(found, shape(4, 3, 2, 1))
    one, other = score.gain("one", maps), score.gain("other", maps * factor)
    assert other.bits.value == pytest.approx(one.bits.value, rel=1e-6, abs=1e-9)
    assert other.rate_bits.value == pytest.approx(one.rate_bits.value, rel=1e-6, abs=1e-6)


def test_place_alone_ignores_when_and_rate_does_not() -> None:
    found, _ = random_case(1)
    score = scored(found, shape(4, 3, 2, 1))
    true = score.gain("true", found.realised_usd)
    times_alone = np.broadcast_to(found.realised_usd.sum(axis=2, keepdims=True), found.realised_usd.shape)
    even = score.gain("even", shape(1, 1, 1, 1))
    when = score.gain("when", times_alone)
    assert when.bits.value == pytest.approx(even.bits.value)
    assert when.rate_bits.value > even.rate_bits.value + 0.05
    assert true.bits.low > even.bits.value
    assert true.rate_bits.value > when.rate_bits.value


def test_shuffling_kills_it() -> None:
    found, _ = random_case(4)
    score = scored(found, shape(1, 1, 1, 1), PARAMS.model_copy(update={"uniform_share": 0.05}))
    shuffled = np.random.default_rng(0).permutation(found.realised_usd)
    assert score.gain("true", found.realised_usd).bits.value > 0.3
    assert score.gain("shuffled", shuffled).bits.value < 0


def test_weights_come_from_the_training_part_alone() -> None:
    found, maps = random_case(2)
    blend = with_climatology(found, TRAIN, shape(1, 1, 1, 1), maps)
    found.realised_usd[TEST] *= 1000.0
    assert np.array_equal(with_climatology(found, TRAIN, shape(1, 1, 1, 1), maps), blend)
    found.realised_usd[TRAIN] = 3.0 * maps[TRAIN]
    assert with_climatology(found, TRAIN, shape(1, 1, 1, 1), maps) == pytest.approx(3.0 * maps, rel=0.02, abs=0.05)
