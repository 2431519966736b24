"""What is read between bins is what `np.interp` reads there, to the last bit."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from liqbot.market.estimate.running_sums import interpolated, sums_at

BINS = 60


@given(
    st.integers(0, 2**32 - 1), st.floats(-10.0, BINS + 10.0), st.integers(1, 80), st.sampled_from((-1.0, 1.0)),
    st.sampled_from((0.0, 0.3, 1.0)),
)
def test_sums_are_read_as_from_all_of_them(seed: int, start: float, count: int, sign: float, filled: float) -> None:
    chance = np.random.default_rng(seed)
    usd = chance.lognormal(12.0, 2.0, BINS) * (chance.random(BINS) < filled)
    for places in (start + sign * np.arange(count), np.round(start) + sign * np.arange(count)):
        whole = np.concatenate(([0.0], usd.cumsum()))
        assert sums_at(usd, places).tobytes() == np.interp(places, np.arange(BINS + 1), whole).tobytes()


@given(st.lists(st.floats(0.0, 1e9), min_size=1, max_size=12), st.floats(0.0, 1.0), st.integers(0, 11))
def test_one_value_is_read_as_among_many(steps: list[float], share: float, at: int) -> None:
    places, values = np.cumsum(steps), np.cumsum(steps[::-1])
    for place in (share * float(places[-1]) * 1.1 - 1.0, float(places[at % len(places)])):
        found = interpolated(place, places.tolist(), values.tolist())
        assert found == float(np.interp(place, places, values))


def test_nothing_is_nowhere() -> None:
    assert np.isnan(interpolated(float("nan"), [1.0, 2.0], [3.0, 4.0]))
