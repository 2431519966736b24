"""M8: what clusters hold of the truth, against chance."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paper.score.cluster_skill import HEAVY, cluster_skill

HOUR_MS = 3_600_000
ORIGINS = np.arange(96) * HOUR_MS
BINS = 100


def truth(seed: int) -> np.ndarray:
    return np.random.default_rng(seed).pareto(1.2, (len(ORIGINS), 2, BINS)) * 1e6


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=20)
def test_clusters_on_the_heaviest_bins_hold_them_and_no_more_than_that_is_possible(seed: int) -> None:
    true = truth(seed)
    near = true[:, :, :75].reshape(len(true), -1)
    least = np.sort(near, axis=1)[:, -HEAVY]
    inside = (true >= least[:, None, None]) & (np.arange(BINS) < 75)
    found = cluster_skill(ORIGINS, inside.astype(float), true, 50, 1)
    assert found is not None
    assert found.heavy_share.value == pytest.approx(1.0)
    assert found.covered_share.value == pytest.approx(HEAVY / 150)
    assert found.heavy_lift.value == pytest.approx(150 / HEAVY)
    assert found.usd_lift.value == pytest.approx(found.usd_share.value * 150 / HEAVY)


@given(st.integers(0, 2**32 - 1), st.floats(0.05, 1.0))
@settings(max_examples=20)
def test_clusters_everywhere_alike_are_worth_chance(seed: int, share: float) -> None:
    found = cluster_skill(ORIGINS, np.full((len(ORIGINS), 2, BINS), share), truth(seed), 50, 1)
    assert found is not None
    shares = found.covered_share, found.heavy_share, found.usd_share
    assert [one.value for one in shares] == pytest.approx([share] * 3)
    assert [found.heavy_lift.value, found.usd_lift.value] == pytest.approx([1.0, 1.0])


def test_origins_without_enough_truth_are_left_out() -> None:
    true = truth(1)
    true[:90] = np.nan
    true[90:92] = 0.0
    found = cluster_skill(ORIGINS, np.ones_like(true), true, 50, 1)
    assert found is not None
    assert found.origins == 4
    assert cluster_skill(ORIGINS, np.ones_like(true), np.full_like(true, np.nan), 50, 1) is None
