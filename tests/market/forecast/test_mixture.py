import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liqbot.market.forecast.mixture import MixtureWeights
from liqbot.market.params import ForecastParams

PARAMS = ForecastParams()
BINS = 20

seeds = st.integers(0, 2**32)


def lived(seed: int, of_map: float, of_climate: float, origins: int = 250, unit_usd: float = 100.0) -> MixtureWeights:
    """Every origin a map and a climatology of their own, and prints of `unit_usd` that come as the two weights say."""
    chance, blend = np.random.default_rng(seed), MixtureWeights(PARAMS)
    for _ in range(origins):
        mapped, climate = chance.exponential(1_000.0, BINS), np.linspace(2_000.0, 200.0, BINS)
        printed = chance.poisson((of_map * mapped + of_climate * climate) / unit_usd) * unit_usd
        blend.count(mapped, climate, printed)
    return blend


def test_before_anything_was_seen_the_weights_are_the_prior() -> None:
    assert MixtureWeights(PARAMS).weights.tolist() == [1.0, PARAMS.climatology_share]


@given(seeds)
@settings(max_examples=5)
def test_a_map_that_says_nothing_about_place_loses_its_weight(seed: int) -> None:
    of_map, of_climate = lived(seed, 0.0, 1.0).weights.tolist()
    assert of_map < 0.2
    assert of_climate == pytest.approx(1.0, rel=0.2)


@pytest.mark.drawn(singly=True)
@given(seeds, st.floats(0.2, 3.0), st.floats(0.0, 2.0))
@settings(max_examples=10)
def test_the_weights_that_made_the_prints_are_found(seed: int, of_map: float, of_climate: float) -> None:
    found = lived(seed, of_map, of_climate).weights
    assert found == pytest.approx([of_map, of_climate], rel=0.15, abs=0.2)


@pytest.mark.drawn(singly=True)
@given(seeds, st.sampled_from([0.25, 4.0]))
@settings(max_examples=5)
def test_twice_the_prints_twice_the_weights(seed: int, factor: float) -> None:
    chance = np.random.default_rng(seed)
    plain, scaled = MixtureWeights(PARAMS), MixtureWeights(PARAMS)
    for _ in range(200):
        mapped, climate, printed = (chance.exponential(1_000.0, BINS) for _ in range(3))
        plain.count(mapped, climate, printed)
        scaled.count(mapped, climate, printed * factor)
    # Up to the prior, which is worth a day.
    assert scaled.weights == pytest.approx(plain.weights * factor, rel=0.3)


@pytest.mark.drawn(singly=True)
@given(seeds)
@settings(max_examples=5)
def test_no_other_weights_are_more_likely(seed: int) -> None:
    chance, blend = np.random.default_rng(seed), MixtureWeights(PARAMS.model_copy(update={"mix_origins": 1e-6}))
    rows = []
    for _ in range(300):
        mapped, climate = chance.exponential(1_000.0, BINS), chance.exponential(1_000.0, BINS)
        printed = chance.poisson((0.7 * mapped + 0.4 * climate) / 50.0) * 50.0
        rows.append((mapped, climate, printed))
        blend.count(mapped, climate, printed)
    mapped, climate, printed = (np.concatenate(column) for column in zip(*rows, strict=True))

    def likelihood(weights: np.ndarray) -> float:
        expected = weights[0] * mapped + weights[1] * climate
        return float((printed * np.log(expected) - expected).sum())

    for other in ([0.05, 0.0], [-0.05, 0.0], [0.0, 0.05], [0.0, -0.05], [0.05, -0.05], [-0.05, 0.05]):
        assert likelihood(blend.weights) > likelihood(blend.weights + other)


def test_what_one_of_them_offered_alone_is_given_to_it_alone() -> None:
    blend = MixtureWeights(PARAMS)
    for _ in range(200):
        blend.count(np.zeros(BINS), np.full(BINS, 100.0), np.full(BINS, 300.0))
    assert blend.weights[1] == pytest.approx(3.0, rel=0.1)
    assert np.isfinite(blend.weights).all()


@given(seeds)
@settings(max_examples=5)
def test_what_was_learnt_comes_back_exactly(seed: int) -> None:
    blend, again = lived(seed, 0.5, 0.5, 30), MixtureWeights(PARAMS)
    again.load_state(msgspec.msgpack.decode(msgspec.msgpack.encode(blend.state())))
    assert msgspec.msgpack.encode(again.state()) == msgspec.msgpack.encode(blend.state())
    for one in (blend, again):
        one.count(np.ones(BINS), np.ones(BINS), np.arange(BINS) * 3.0)
    assert again.weights.tolist() == blend.weights.tolist()
