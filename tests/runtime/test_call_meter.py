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
