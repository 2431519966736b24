"""The guards against hand-computed and published values."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from paper.research.monte_carlo import deepest_fall_pct, equity, monte_carlo
from paper.research.overfitting import (
    SharpeMoments,
    deflated_sharpe,
    expected_largest_sharpe,
    moments_of,
    overfitting_probability,
    probabilistic_sharpe,
)


def test_the_example_of_the_paper_on_the_deflated_sharpe_ratio() -> None:
    """Bailey & Lopez de Prado 2014, section "A numerical example": 100 trials whose annualised Sharpe ratios have a
    variance of 1/2, five years of 250 days, an annualised 2.5 with skew -3 and kurtosis 10."""
    largest = expected_largest_sharpe(0.5 / 250, 100)
    assert largest == pytest.approx(0.1132, abs=5e-5)
    found = SharpeMoments(2.5 / math.sqrt(250), -3.0, 10.0, 1250)
    assert probabilistic_sharpe(found, largest) == pytest.approx(0.9004, abs=5e-5)


def test_moments_by_hand() -> None:
    """1, 2, 3, 6: mean 3, squared deviations 4 1 0 9, cubes -8 -1 0 27, fourths 16 1 0 81."""
    found = moments_of(np.array([1.0, 2.0, 3.0, 6.0]))
    assert found.sharpe_ratio == pytest.approx(3.0 / math.sqrt(14 / 3))
    assert found.skew_ratio == pytest.approx((18 / 4) / 3.5**1.5)
    assert found.kurtosis_ratio == pytest.approx((98 / 4) / 3.5**2)


def test_one_trial_needs_no_deflation_and_constant_returns_say_nothing() -> None:
    assert expected_largest_sharpe(1.0, 1) == 0.0
    assert math.isnan(deflated_sharpe(np.ones(10), np.array([1.0])))


def test_cross_validation_by_hand() -> None:
    """Two blocks of two periods, so two choices. The first trial is best in the first block (Sharpe 3 against -3) and
    worst in the second; and the other way round: whoever is chosen comes out last, each time."""
    turned = np.array([[1.0, -2.0], [2.0, -1.0], [-2.0, 1.0], [-1.0, 2.0]])
    assert overfitting_probability(turned, 2) == 1.0
    steady = np.array([[1.0, -2.0], [2.0, -1.0], [1.0, -2.0], [2.0, -1.0]])
    assert overfitting_probability(steady, 2) == 0.0


def test_noise_is_overfitted_about_half_the_time_and_skill_is_not() -> None:
    chance = np.random.default_rng(5)
    found = [overfitting_probability(chance.normal(size=(60, 8)), 6) for _ in range(40)]
    assert 0.4 < np.mean(found) < 0.6
    noise = chance.normal(size=(400, 20))
    noise[:, 7] += 0.5
    assert overfitting_probability(noise, 8) == 0.0


def test_too_little_is_no_answer_and_odd_blocks_are_refused() -> None:
    assert math.isnan(overfitting_probability(np.ones((3, 5)), 4))
    assert math.isnan(overfitting_probability(np.ones((30, 1)), 4))
    with pytest.raises(ValueError, match="blocks: 3 must be even"):
        overfitting_probability(np.ones((30, 2)), 3)


@given(st.lists(st.floats(-1.5, 4.0), min_size=2, max_size=30), st.floats(0.1, 2.0))
def test_the_order_of_trades_moves_the_fall_and_not_the_end(r_multiples: list[float], risk_pct: float) -> None:
    there, back = (equity(np.array([one]), risk_pct) for one in (r_multiples, r_multiples[::-1]))
    assert there[0, -1] == pytest.approx(back[0, -1])
    for fall_pct in (deepest_fall_pct(there)[0], deepest_fall_pct(back)[0]):
        assert -1e-9 <= fall_pct <= 100.0
    found = monte_carlo(r_multiples, risk_pct, 50, 1)
    assert found is not None
    worst_first = float(deepest_fall_pct(equity(np.sort(np.array([r_multiples])), risk_pct))[0])
    assert found.drawdown_reordered.p95_pct <= worst_first + 1e-9
    assert found == monte_carlo(r_multiples, risk_pct, 50, 1)


def test_a_fall_by_hand() -> None:
    """+1, -1, -1 at 10 %: 1.1, .99, .891, which is 19 % below the peak; a loss of all there is ends at nothing."""
    assert deepest_fall_pct(equity(np.array([[1.0, -1.0, -1.0]]), 10.0))[0] == pytest.approx(19.0)
    assert equity(np.array([[-20.0]]), 10.0)[0, -1] == 0.0
