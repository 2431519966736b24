"""What must hold of every measure on a whole market: perfection wins, scale is nothing, wrong places and times lose."""

import numpy as np
import pytest

from paper.score.information import InformationScore
from paper.score.rank_skill import RankScore
from paper.score.record import OURS
from paper.score.score import Scoring
from paper.score.tape_score import Scored
from paper.score.touch import TouchScore


@pytest.fixture(scope="module")
def scoring(scored: Scored) -> Scoring:
    return scored.scoring


def touch_score(scoring: Scoring, *, beyond_depth: bool = False) -> tuple[TouchScore, dict[str, np.ndarray]]:
    touch, expected = scoring.touch_series()
    train, test = (scoring.steps(touch, train=one) for one in (True, False))
    return TouchScore(touch, train, test, 50, 1, beyond_depth=beyond_depth), expected | {"true": touch.realised_usd}


def information(scoring: Scoring) -> InformationScore:
    climate = scoring.climates[4][0]
    return InformationScore(scoring.outcomes[4], scoring.test, scoring.origin_ms, climate, scoring.params, 1)


def ranking(scoring: Scoring) -> RankScore:
    climate = scoring.climates[4][1]
    return RankScore(scoring.outcomes[4], scoring.test, scoring.origin_ms, climate, scoring.params, 1)


def truth_itself(scoring: Scoring) -> np.ndarray:
    found = scoring.outcomes[4]
    return np.divide(found.realised_usd, found.visited, out=np.zeros_like(found.visited), where=found.visited > 0)


@pytest.mark.parametrize("beyond_depth", [False, True])
def test_the_perfect_touch_forecast_explains_all_and_no_model_more(scoring: Scoring, *, beyond_depth: bool) -> None:
    scored, expected = touch_score(scoring, beyond_depth=beyond_depth)
    found = {name: scored.skill(name, values).d2.value for name, values in expected.items()}
    assert found["true"] == pytest.approx(1.0, abs=0.01)
    assert max(value for name, value in found.items() if name != "true") < found["true"]


def test_the_perfect_frozen_map_gains_most(scoring: Scoring) -> None:
    scored, ranks = information(scoring), ranking(scoring)
    best = scored.gain("true", truth_itself(scoring))
    for name, maps in scoring.forecasts(4).items():
        one = scored.gain(name, maps)
        assert one.bits.value < best.bits.value, name
        assert one.rate_bits.value < best.rate_bits.value, name
    # Not quite 1: price within a bin, and bins in which nothing was told.
    assert ranks.skill("true", truth_itself(scoring)).partial.value == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("factor", [1e-4, 7.0])
def test_a_constant_factor_changes_no_measure_of_place_or_time(scoring: Scoring, factor: float) -> None:
    touched, expected = touch_score(scoring)
    for name in (OURS, "B2b", "B4v"):
        one = touched.skill(name, expected[name]).d2
        assert touched.skill("scaled", expected[name] * factor).d2.value == pytest.approx(one.value, abs=1e-7)
    gains, ranks = information(scoring), ranking(scoring)
    maps = scoring.forecasts(4)[OURS]
    one, other = gains.gain("one", maps), gains.gain("other", maps * factor)
    assert other.bits.value == pytest.approx(one.bits.value, abs=1e-9)
    assert other.rate_bits.value == pytest.approx(one.rate_bits.value, abs=1e-9)
    assert ranks.skill("other", maps * factor).partial.value == pytest.approx(ranks.skill("one", maps).partial.value)


def test_the_true_map_moved_in_time_or_mirrored_is_no_better_than_its_control(scoring: Scoring) -> None:
    assert scoring.truth is not None
    truth = np.nan_to_num(scoring.truth)
    ranks = ranking(scoring)
    own = ranks.skill("own", truth)
    for name, fake in (("moved", np.roll(truth, 30, axis=0)), ("mirrored", truth[:, ::-1])):
        found = ranks.skill(name, fake)
        assert found.partial.value < 0.5 * own.partial.value, name
        assert found.lift_fifth.value < own.lift_fifth.value, name
    # Maps of other times know nothing of this one: the excess is nearly all there is.
    assert own.shuffled_partial_value < 0.5 * own.partial.value


def test_permuted_events_are_told_by_nobody(scoring: Scoring) -> None:
    """The same steps in another order: what was reported has nothing to do with what was crossed."""
    touch, expected = scoring.touch_series()
    order = np.random.default_rng(7).permutation(len(touch.time_ms))
    touch.realised_usd[:] = touch.realised_usd[order]
    train, test = (scoring.steps(touch, train=one) for one in (True, False))
    scored = TouchScore(touch, train, test, 50, 1)
    assert scored.skill("ORACLE", expected["ORACLE"]).d2.value < 0.2
    assert not scored.skill("B2b", expected["B2b"]).d2.low > 0.2


def test_sides_exchanged_everywhere_exchange_the_figures(scoring: Scoring) -> None:
    """Longs and shorts are treated alike: a market upside down scores the same, side by side."""
    found, climate = scoring.outcomes[4], scoring.climates[4][0]
    flipped = type(found)(4, found.usable, found.visited[:, ::-1], found.realised_usd[:, ::-1], 0.0)
    one, other = (
        InformationScore(outcome, scoring.test, scoring.origin_ms, reference, scoring.params, 1)
        for outcome, reference in ((found, climate), (flipped, climate[:, ::-1]))
    )
    maps = scoring.forecasts(4)["B2b"]
    plain, mirror = one.gain("B2b", maps), other.gain("B2b", maps[:, ::-1])
    assert mirror.bits.value == pytest.approx(plain.bits.value)
    assert (mirror.long_value, mirror.short_value) == pytest.approx((plain.short_value, plain.long_value))
