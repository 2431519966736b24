"""The one sentence on a strategy: an edge is claimed only where every control that traded is beaten by its interval."""

import pytest

from paper.backtest.strategy_stats import StrategyStats
from paper.research.controls import DEEP, MIRRORED, RANDOM, STALE, ControlRow
from paper.research.text import verdict_on
from paper.score.bootstrap import Estimate

GOOD, POOR = Estimate(0.4, 0.2, 0.6), Estimate(0.1, -0.1, 0.3)


def own(expectancy_r: Estimate, trades: int = 50) -> StrategyStats:
    return StrategyStats("cascade", "both", trades, expectancy_r, 1.5, 50.0, -0.5, 1.0, 3.0, 0.1, 100.0, {})


def beside(control: str, better_r: Estimate, trades: int = 50) -> ControlRow:
    return ControlRow("cascade", control, trades, POOR, better_r, 0.03 if control == RANDOM else None)


@pytest.mark.parametrize(
    ("mine", "controls", "said"),
    [
        (None, [beside(RANDOM, GOOD)], "no trade closed, so nothing is shown either way"),
        (own(POOR), [beside(RANDOM, GOOD)], "no edge, interval not above 0; chance 0.03"),
        (own(GOOD), [beside(RANDOM, GOOD), beside(STALE, GOOD)], "better than 0 and than every control; chance 0.03"),
        (own(GOOD), [beside(RANDOM, GOOD), beside(STALE, POOR)], "gains, no better than map 48 h old; chance 0.03"),
        (own(GOOD, 7), [beside(STALE, GOOD)], "better than 0 and than every control; 7 trades: few"),
        (own(GOOD), [beside(MIRRORED, POOR, trades=0)], "gains, with nothing to compare it with"),
        (own(GOOD), [beside(DEEP, POOR)], "gains, with nothing to compare it with"),
    ],
)
def test_an_edge_is_claimed_only_against_what_traded(
    mine: StrategyStats | None, controls: list[ControlRow], said: str
) -> None:
    assert verdict_on(mine, controls) == said
