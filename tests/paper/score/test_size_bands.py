"""M7: bands of distance and side, and what they leave out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paper.score.size_bands import DISTANCES_PCT, size_bands

HOUR_MS = 3_600_000
ORIGINS = np.arange(72) * HOUR_MS


@given(st.floats(0.1, 10), st.integers(0, 2**32), st.sampled_from([50, 100, 225]))
def test_a_truth_some_times_the_map_is_that_in_every_band(factor: float, seed: int, bins: int) -> None:
    drawn = np.random.default_rng(seed).exponential(1e6, (len(ORIGINS), 2, bins))
    bands = size_bands(ORIGINS, drawn, drawn * factor, 50, 1)
    assert [one.ratio.value for one in bands] == pytest.approx([factor] * len(bands))
    assert len(bands) == 2 * sum(pct <= bins * 0.2 for pct in DISTANCES_PCT[1:])
    assert sum(one.drawn_usd for one in bands) == pytest.approx(
        drawn[:, :, : round(bands[-1].to_pct / 0.2)].sum() / len(ORIGINS)
    )


def test_sides_and_distances_are_told_apart() -> None:
    drawn = np.ones((len(ORIGINS), 2, 100))
    truth = drawn.copy()
    truth[:, 1, 10:25] = 3.0
    bands = size_bands(ORIGINS, drawn, truth, 50, 1)
    assert [(one.side, one.from_pct, one.to_pct) for one in bands if one.ratio.value > 2] == [("short", 2.0, 5.0)]


def test_origins_without_a_truth_say_nothing() -> None:
    drawn = np.ones((len(ORIGINS), 2, 100))
    truth = drawn.copy()
    truth[10:] = np.nan
    assert all(one.ratio.value == 1.0 for one in size_bands(ORIGINS, drawn, truth, 50, 1))
    assert size_bands(ORIGINS, drawn, np.full_like(truth, np.nan), 50, 1) == ()
