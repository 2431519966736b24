import hashlib
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paper.world.draws import Draws, expo, exponential_table, normal_table, pareto_table, power


def test_the_stream_is_the_same_on_every_machine():
    draws = Draws(7, 3)
    digest = hashlib.sha256(
        draws.uniform(50_000).tobytes() + draws.normal(999).tobytes() + draws.exponential(9).tobytes()
    )
    assert digest.hexdigest() == "15fdc1fee31814684b5dd47708a46b7c45aa1e55717bdce7319b53d3b2075b99"


@given(st.lists(st.integers(0, 20_000), max_size=12))
def test_how_many_are_taken_at_once_does_not_matter(counts: list[int]):
    whole = Draws(1, 2).uniform(sum(counts))
    draws = Draws(1, 2)
    parts = [draws.uniform(count).copy() for count in counts]
    assert np.array_equal(np.concatenate([*parts, np.empty(0)]), whole)


def test_paths_and_seeds_give_different_streams():
    firsts = {Draws(seed, *path).one() for seed in range(5) for path in ((1,), (2,), (1, 2))}
    assert len(firsts) == 15


def test_tables_have_their_moments():
    normal, exponential = normal_table(), exponential_table()
    assert abs(normal.mean()) < 1e-12
    assert normal.std() == pytest.approx(1, abs=1e-4)
    assert (np.diff(normal) > 0).all()
    # The quantile of .975, known to every table of statistics.
    assert normal[int(0.975 * len(normal))] == pytest.approx(1.959964, abs=1e-3)
    assert exponential.mean() == pytest.approx(1, abs=1e-5)
    assert exponential.std() == pytest.approx(1, abs=1e-3)


@given(st.floats(-7.9, 7.9))
def test_expo_is_the_exponential(x: float):
    assert expo(np.array([x]))[0] == pytest.approx(math.exp(x), rel=2e-7)


@pytest.mark.drawn(singly=True)
@given(st.floats(1.05, 5))
def test_sizes_have_mean_one_and_a_heavier_tail_for_a_smaller_index(tail_index: float):
    sizes = pareto_table(tail_index)
    assert sizes.mean() == pytest.approx(1)
    assert sizes.max() > pareto_table(tail_index + 0.5).max()


@given(st.floats(0.5, 200), st.floats(-2, 2))
def test_power_agrees_with_the_operator(base: float, exponent: float):
    assert power(base, exponent) == pytest.approx(base**exponent, rel=1e-12)


def test_count_keeps_its_mean():
    draws = Draws(1)
    assert np.mean([draws.count(2.3) for _ in range(20_000)]) == pytest.approx(2.3, abs=0.02)
