"""A tick takes no more calls than the baseline says; a count that grows is named."""

import json
from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest


@pytest.fixture
def counts(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("counts")


@pytest.fixture
def baseline(counts: ModuleType) -> dict[str, dict[str, float]]:
    kept = json.loads(counts.BASELINE.read_text())
    if kept["interpreter"] != counts.interpreter():
        pytest.skip(f"the baseline is of {kept['interpreter']}: other interpreters make other calls")
    return kept["counts"]


@pytest.mark.drawn(dear=True)
@pytest.mark.parametrize("venues", [1, 8])
def test_a_tick_takes_no_more_than_the_baseline(
    venues: int, counts: ModuleType, baseline: dict[str, dict[str, float]]
) -> None:
    """Where this fails and the growth is worth it: `python bench/counts.py --write`."""
    case = f"plain, {venues} venues"
    assert not counts.grown(baseline, {case: counts.in_a_process("plain", venues)})


def test_what_has_grown_is_named_the_worst_first(counts: ModuleType) -> None:
    before = {"plain, 1 venues": {"python_calls": 100.0, "numpy_calls": 50.0, "builtin_calls": 10.0}}
    now = {"plain, 1 venues": {"python_calls": 101.0, "numpy_calls": 60.0, "builtin_calls": 20.0}}
    worst, second = counts.grown(before, now)
    assert worst.startswith("plain, 1 venues: builtin_calls: 10.0 -> 20.0 a tick (+100.0%")
    assert "numpy_calls" in second
    assert not counts.grown(before, before)
    (unknown,) = counts.grown({}, {"plain, 1 venues": {"python_calls": 1.0}})
    assert "the baseline has none" in unknown


@pytest.mark.parametrize("times", [1, 5])
def test_calls_are_counted_one_by_one(times: int, counts: ModuleType) -> None:
    def called() -> None:
        """Of Python."""

    values, found = np.arange(8.0), []
    for repeats in (0, times):
        with counts.counting() as calls:
            for _ in range(repeats):
                called()
                [called for _ in (1, 2)]
                values.copy()
                np.add(values, values)
                np.add.reduce(values)
                np.concatenate((values, values))
                len(values)
        np.add(values, values)  # not counted any more
        found.append((calls.python, calls.numpy, calls.builtin))
    python, of_numpy, builtin = (after - before for before, after in zip(*found, strict=True))
    assert python == 2 * times, "ours, and what numpy looks at the arguments of `concatenate` with"
    assert (of_numpy, builtin) == (4 * times, times)
    assert isinstance(np.add, np.ufunc), "numpy is left as it was"
