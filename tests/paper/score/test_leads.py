"""Leads: the best baseline is beaten or nothing is, and a share is told only of a gap that is there."""

import numpy as np
import pytest

from paper.score.bootstrap import Days, Estimate
from paper.score.result import Lead, resolved
from paper.score.skill_gap import CEILING, NOTHING, lead

DAYS = Days(np.arange(60) * 86_400_000, 2000, 1)
WEIGHT = np.ones(60)


def led(seed: int = 1, **means: float) -> Lead:
    """Models whose measure has these means, with noise of days that all of them share a part of."""
    chance = np.random.default_rng(seed)
    shared = chance.normal(size=60)
    sums = {name: mean + shared + 0.1 * chance.normal(size=60) for name, mean in means.items()}
    values = {name: float(one.mean()) for name, one in sums.items()}

    def difference(name: str, other: str) -> Estimate:
        return DAYS.estimate(lambda own, theirs, all_days: (own - theirs) / all_days, sums[name], sums[other], WEIGHT)

    return lead("M2", DAYS, sums, values, difference)


def test_ours_is_set_against_the_best_of_those_that_decide() -> None:
    found = led(liqbot=2.0, B2=0.5, B2b=1.0, B4=0.0, B4v=1.5, B0=9.0)
    assert found.baseline == "B4v"
    assert found.lead.value == pytest.approx(0.5, abs=0.05)
    assert found.lead.above_zero
    # One that does not decide is told all the same, and that it is far ahead.
    assert found.others["B0"].high < 0
    assert set(found.others) == {"B2", "B2b", "B4", "B4v", "B0"}


def test_the_way_is_the_share_of_the_gap() -> None:
    found = led(liqbot=1.8, B2=0.0, B2b=1.0, B4=0.0, B4v=0.0, **{CEILING: 2.0})
    assert found.gap.value == pytest.approx(1.0, abs=0.05)
    assert found.gap_resolved
    assert found.closed_share.value == pytest.approx(0.8, abs=0.05)
    assert found.closed_share.high - found.closed_share.low < 0.2


def test_a_gap_that_may_be_nothing_has_no_share() -> None:
    found = led(liqbot=1.02, B2=0.0, B2b=0.0, B4=0.0, B4v=1.0, **{CEILING: 1.0})
    assert not found.gap_resolved
    assert found.closed_share.value != found.closed_share.value
    assert found.gap.low < 0 < found.gap.high
    assert found.ceiling == CEILING


def test_without_a_truth_there_is_no_way() -> None:
    found = led(liqbot=1.0, B2=0.0, B2b=0.0, B4=0.0, B4v=0.0)
    assert found.ceiling == ""
    assert not found.gap_resolved


def test_a_baseline_that_cannot_be_measured_does_not_win() -> None:
    found = led(liqbot=1.0, B2=float("nan"), B2b=0.5, B4=0.0, B4v=0.0)
    assert found.baseline == "B2b"


@pytest.mark.parametrize(
    ("gap", "says"),
    [(Estimate(1.0, 0.5, 1.5), True), (Estimate(1.0, 0.1, 1.9), False), (Estimate(-1.0, -2.0, -0.5), False),
     (NOTHING, False)],
)  # fmt: skip
def test_a_gap_is_there_when_its_interval_stays_clear_of_nothing(gap: Estimate, *, says: bool) -> None:
    assert resolved(gap) is says
