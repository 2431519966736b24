"""Faults of a test market's mark: it jumps, it is absurd for once, nobody can read it. Not every seed trades in one."""

import random

from paper.simulate.order_faults import Struck
from paper.simulate.practice_prices import PracticePrices
from paper.simulate.scenario import Scenario


def mark_jumps(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    """The test market parts from production, or comes back to it, within a second."""
    struck()
    _practice(scenario).jump(chance.choice((0.004, 0.01, 0.03, 0.06)) * chance.choice((1, -1)), scenario.now_ms)


def mark_absurd(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    struck()
    _practice(scenario).absurd_share = chance.choice((0.1, 0.8, 0.99, 1.01, 1.3, 10.0))


def mark_silent(scenario: Scenario, chance: random.Random, struck: Struck) -> None:
    """And production's prices are heard, and the ratio goes on moving."""
    struck()
    _practice(scenario).silent_until_ms = scenario.now_ms + chance.choice((20_000, 45_000, 120_000, 600_000))


def _practice(scenario: Scenario) -> PracticePrices:
    """ValueError where orders rest in production's market: it has no such mark."""
    if scenario.practice is None:
        raise ValueError(f"seed {scenario.seed}: trades in no test market, so nothing can happen to its mark")
    return scenario.practice
