"""Lost time is noticed whichever clock shows it, once, and the house's own time never goes back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqbot.runtime.clock_watch import LOST_S_MIN, ClockWatch, SteadyWall


class Clocks:
    """Of a machine: what it shows, and what has really passed while it was awake."""

    def __init__(self) -> None:
        self.wall_s, self.steady_s = 1_000_000.0, 50.0

    def pass_(self, steady_s: float, shown_s: float | None = None) -> None:
        self.steady_s += steady_s
        self.wall_s += steady_s if shown_s is None else shown_s


def watched() -> tuple[Clocks, ClockWatch]:
    clocks = Clocks()
    return clocks, ClockWatch(lambda: clocks.wall_s, lambda: clocks.steady_s)


@pytest.mark.parametrize(
    ("steady_s", "shown_s", "said"),
    [
        (40.0, 40.0, "the process stood still for 40.0 s"),
        (0.3, 40.3, "the clock jumped forward by 40.0 s"),
        (0.3, -3_599.7, "the clock was set back by 3600.0 s"),
        (0.3, 0.3, ""),
        (3.0, 3.0, ""),
        (0.3, 0.2, ""),
    ],
    ids=["stopped", "asleep", "set back", "nothing", "busy", "slewed"],
)
def test_what_happened_is_said_once(steady_s: float, shown_s: float, said: str) -> None:
    clocks, watch = watched()
    clocks.pass_(0.25)
    assert watch.taken() == ""
    clocks.pass_(steady_s, shown_s)
    assert watch.taken() == said
    clocks.pass_(0.25)
    assert watch.taken() == ""


@given(st.lists(st.floats(0.0, LOST_S_MIN - 0.1), max_size=30))
def test_a_machine_that_is_only_busy_loses_no_time(waits: list[float]) -> None:
    clocks, watch = watched()
    for wait_s in waits:
        clocks.pass_(wait_s)
        assert watch.taken() == ""


@given(st.lists(st.tuples(st.floats(0.0, 10.0), st.floats(-7_200.0, 7_200.0)), max_size=30))
def test_the_time_of_the_house_never_goes_back_and_never_stands(moves: list[tuple[float, float]]) -> None:
    clocks = Clocks()
    wall = SteadyWall(lambda: clocks.wall_s, lambda: clocks.steady_s)
    last_ms = wall()
    for steady_s, shown_s in moves:
        clocks.pass_(steady_s, shown_s)
        now_ms = wall()
        assert now_ms >= last_ms + min(int(steady_s * 1_000), max(int(shown_s * 1_000), 0)) - 2
        assert now_ms >= last_ms
        assert now_ms >= int(clocks.wall_s * 1_000)
        last_ms = now_ms
