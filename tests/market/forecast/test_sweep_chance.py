"""The chance that price comes to a place: the reflection principle over speeds that differ."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqbot.market.forecast.sweep_chance import reach_chance

HOUR_MS = 3_600_000
RANGES = st.floats(0.01, 10.0)
AWAY = st.floats(1e-6, 190.0)


def at(away_pct: float, sign: int = -1) -> float:
    """A price so far from 100, in percent of the middle."""
    return 100.0 * (200.0 + sign * away_pct) / (200.0 - sign * away_pct)


@pytest.mark.parametrize(
    ("deviations", "chance"), [(2.776445105, 0.05), (4.604094871, 0.01), (8.610301581, 0.001), (1e-9, 1.0)]
)
def test_tabulated_tails_of_students_distribution_with_four_degrees(deviations: float, chance: float) -> None:
    """Two-sided critical values from any table."""
    range_pct = 1.0
    away_pct = deviations * range_pct / math.sqrt(8 / math.pi)
    assert reach_chance(100.0, at(away_pct), range_pct, HOUR_MS) == pytest.approx(chance, rel=1e-6)


@given(range_pct=RANGES, away_pct=AWAY, hours=st.floats(0.01, 500))
def test_nearer_wilder_and_longer_are_likelier_and_mirrored_places_alike(
    range_pct: float, away_pct: float, hours: float
) -> None:
    def chance(away: float = away_pct, wild: float = range_pct, long: float = hours, sign: int = -1) -> float:
        return reach_chance(100.0, at(away, sign), wild, long * HOUR_MS)

    assert 0.0 < chance() <= 1.0
    assert chance(away=away_pct * 0.9) >= chance()
    assert chance(wild=range_pct * 1.1) >= chance()
    assert chance(long=hours * 1.1) >= chance()
    assert chance(sign=1) == pytest.approx(chance(), rel=1e-6)
    assert chance(wild=range_pct * 2, long=hours / 4) == pytest.approx(chance(), rel=1e-9)


def test_what_is_not_known_has_no_chance_and_what_cannot_be_none_at_all() -> None:
    assert math.isnan(reach_chance(math.nan, 90.0, 1.0, HOUR_MS))
    assert math.isnan(reach_chance(100.0, 90.0, math.nan, HOUR_MS))
    assert reach_chance(100.0, 0.0, 1.0, HOUR_MS) == 0.0
    assert reach_chance(100.0, math.inf, 1.0, HOUR_MS) == 0.0
    assert reach_chance(100.0, 90.0, 1.0, 0.0) == 0.0


@pytest.mark.drawn(singly=True)
def test_walks_of_such_speeds_reach_as_often_as_it_says() -> None:
    """Inverse variances drawn from the gamma distribution that makes Student's; small steps, so that little is missed
    between them."""
    chance = np.random.default_rng(7)
    walks, steps = 4_000, 2_000
    speeds = np.sqrt(4.0 / chance.chisquare(4, walks))
    ends = np.cumsum(chance.normal(size=(walks, steps)) / math.sqrt(steps), axis=1).max(axis=1) * speeds
    for deviations in (0.5, 1.0, 2.0, 4.0):
        expected = reach_chance(100.0, at(deviations / math.sqrt(8 / math.pi)), 1.0, HOUR_MS)
        spread = math.sqrt(expected / walks)
        # A walk in steps reaches a little less far than one without (Broadie, Glasserman, Kou 1997): .58 of a step.
        assert (ends >= deviations).mean() == pytest.approx(expected, abs=4 * spread + 0.02)
