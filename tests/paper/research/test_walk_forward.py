"""Walking forward: what is chosen knows nothing of its window, and hindsight is told apart."""

from collections.abc import Sequence

import numpy as np
import pytest

from paper.research.ablation import AblationJob, ablation, without_gate
from paper.research.setup import Setup, ready
from paper.research.walk_forward import variations, walk_forward
from paper.research.walks import DAY_MS, Walked


def walked(r_of_day: Sequence[float]) -> Walked:
    """A trade of an hour a day, the tape ending with the last day."""
    opened = [day * DAY_MS for day in range(len(r_of_day))]
    return Walked(
        tuple(opened), tuple(ms + 3_600_000 for ms in opened), tuple(r_of_day), 0, len(r_of_day) * DAY_MS - 1
    )


def test_windows_are_judged_by_what_was_chosen_before_them() -> None:
    """The second candidate is better for ten days and worse from then on; three stretches of ten days, by hand."""
    steady = [0.1, 0.0] * 15
    turning = [1.0, 0.9] * 5 + [-1.0, -0.9] * 10
    found = walk_forward([{}, {"signals.a.b": 1}], [walked(steady), walked(turning)], 2)
    assert [window.chosen for window in found.windows] == [{"signals.a.b": 1}, {}]
    assert [window.r_mean for window in found.windows] == pytest.approx([-0.95, 0.05])
    assert found.chosen_r.value == pytest.approx((-0.95 * 10 + 0.05 * 10) / 20)
    assert found.as_set_r.value == pytest.approx(0.05)


def test_the_future_of_a_window_changes_nothing_of_what_is_chosen_for_it() -> None:
    chance = np.random.default_rng(3)
    candidates = [{}, {"a": 1}, {"a": 2}]
    one = [chance.normal(size=40).tolist() for _ in candidates]
    found = walk_forward(candidates, [walked(r) for r in one], 3)
    changed = [[*r[:30], *(-10.0 * np.array(r[30:])).tolist()] for r in one]
    again = walk_forward(candidates, [walked(r) for r in changed], 3)
    assert [window.chosen for window in found.windows] == [window.chosen for window in again.windows]
    assert found.windows[:2] == again.windows[:2]


def test_variations_turn_one_threshold_each_and_are_the_same_again(setup: Setup) -> None:
    settings = ready(setup).settings
    found = variations(settings, 1, 8)
    assert found[0] == {}
    assert [len(one) for one in found[1:]] == [1] * 8
    assert found == variations(settings, 1, 8)
    assert found != variations(settings, 2, 8)


@pytest.mark.long
def test_a_strategy_without_a_gate_refuses_no_more_by_it(setup: Setup) -> None:
    """Without one gate no other changes, and some of them matter."""
    rows = ablation(AblationJob(setup, ("breakout",)))
    assert (rows[0].gate, rows[0].trades > 0) == ("", True)
    assert len({row.trades for row in rows}) > 1
    settings = ready(setup).settings
    before = settings.signals.named("breakout")
    after = without_gate(settings, "breakout", "volume").signals.named("breakout")
    assert before is not None
    assert after is not None
    assert [gate for gate in before.gates if gate.name != "volume"] == list(after.gates)
