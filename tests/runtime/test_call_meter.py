"""A call that takes too long is reported as a fact, whatever it returns, and a quick one is not."""

import pytest

from liqbot.events import Event, StrategyDisabled
from liqbot.runtime.call_meter import CallTimer


class Calls:
    """A timer of our own, and the facts that were reported."""

    def __init__(self) -> None:
        self.now_ns = 0
        self.facts: list[Event] = []
        self.meter = CallTimer(250, self.facts.extend, lambda: 77, lambda: self.now_ns)

    def taking(self, ms: float) -> int:
        self.now_ns += round(ms * 1e6)
        return 5


def test_only_an_overrun_is_reported_with_its_time_and_the_limit() -> None:
    calls = Calls()
    assert calls.meter("mine", lambda: calls.taking(250)) == 5
    assert not calls.facts
    assert calls.meter("mine", lambda: calls.taking(900)) == 5
    reason = "a call took 900 ms, signals.call_ms_max is 250 ms"
    assert calls.facts == [StrategyDisabled(time_ms=77, strategy="mine", reason=reason)]


def test_a_slow_call_that_raises_is_reported_too() -> None:
    calls = Calls()

    def slow() -> None:
        calls.taking(900)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        calls.meter("mine", slow)
    assert len(calls.facts) == 1


def test_calls_that_are_short_enough_one_by_one_may_not_take_the_house_together() -> None:
    calls = Calls()
    for _ in range(19):
        calls.meter("mine", lambda: calls.taking(240))
        calls.meter("other", lambda: calls.taking(200))
    assert not calls.facts
    for _ in range(5):
        calls.meter("mine", lambda: calls.taking(240))
    reason = "its calls took 5,040 ms within 10,000 ms, 5,000 ms are the most"
    assert calls.facts == [StrategyDisabled(time_ms=77, strategy="mine", reason=reason)]


def test_what_it_took_long_ago_is_forgotten() -> None:
    calls = Calls()
    for _ in range(100):
        calls.meter("mine", lambda: calls.taking(200))
        calls.taking(800)
    assert not calls.facts
