"""The page of all benchmarks: misses first, nothing twice, nothing measured again that is known, nothing left out."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

SCRIPT = """
import sys
sys.path.insert(0, {bench!r})
from pathlib import Path
from _figures import Figure, arguments, main

def measured(asked):
    with Path({log!r}).open("a") as log:
        log.write("{name}\\n")
    if {fails}:
        raise SystemExit(3)
    yield Figure(work="{name}", value=2.0, unit="per s", goal={goal})

sys.exit(main(arguments(None, seed=5), measured))
"""


@pytest.fixture(scope="session")
def page(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("_performance_page")


@pytest.fixture(scope="session")
def figures(script: Callable[[str], ModuleType]) -> ModuleType:
    return script("_figures")


@pytest.fixture
def bench(script: Callable[[str], ModuleType], tmp_path: Path) -> Callable[..., Any]:
    """One over made scripts: those met, missed, and failing."""
    performance = script("performance")
    folder = str(Path(performance.__file__).parent)
    for name, goal, fails in (("met", 1.0, False), ("missed", 8.0, False), ("failing", 1.0, True)):
        text = SCRIPT.format(bench=folder, log=str(tmp_path / "log"), name=name, goal=goal, fails=fails)
        (tmp_path / f"{name}.py").write_text(text)
    rows = [performance.Row(name) for name in ("met", "missed", "failing")]

    def made(key: str = "a", budget_s: float = 600.0) -> Any:
        return performance.Bench(rows, tmp_path / "kept", tmp_path, key, budget_s=budget_s)

    return made


def ran(tmp_path: Path) -> list[str]:
    log = tmp_path / "log"
    return log.read_text().split() if log.exists() else []


@pytest.mark.drawn
def test_what_is_known_is_not_measured_again(bench: Callable[..., Any], page: ModuleType, tmp_path: Path) -> None:
    first = bench().run()
    assert ran(tmp_path) == ["met", "missed", "failing"]
    assert [one.found is not None for one in first] == [True, True, False]
    bench().run()
    assert ran(tmp_path)[3:] == ["failing"], "it goes on where it was"
    bench().run(again=True, only=("met",))
    assert ran(tmp_path)[4:] == ["met"]
    shown = bench("other code").run(measure=False)
    assert [one.current for one in shown] == [False, False, False]
    text = page.page(shown, "other code")
    assert "of other code than this page's" in text
    assert text.index("| missed |") < text.index("| met |")
    assert "- `bench/failing.py`: " in text
    bench("other code").run()
    assert ran(tmp_path)[5:] == ["met", "missed", "failing"], "other code is measured anew"


def test_a_command_is_told_as_it_is_typed(figures: ModuleType) -> None:
    words = ["/some/where/bench/map.py", "--bars", "7", "--figures", "/tmp/x.json", "--seed", "2"]
    assert figures.spoken(words) == "python bench/map.py --bars 7 --seed 2"
    assert figures.spoken(words[:1]) == "python bench/map.py"


def test_what_there_was_no_time_for_is_named(bench: Callable[..., Any], page: ModuleType, tmp_path: Path) -> None:
    text = page.page(bench(budget_s=0.0).run(), "a")
    assert ran(tmp_path) == []
    for name in ("met", "missed", "failing"):
        assert f"- `bench/{name}.py`: time was up before it began" in text


def test_why_a_script_found_nothing_is_said(bench: Callable[..., Any], page: ModuleType) -> None:
    assert "- `bench/failing.py`: failed with exit code 3" in page.page(bench().run(only=("failing",)), "a")


numbers = st.sampled_from((0.0, 1.0, 8.0)) | st.floats(0.0, 1e9)


@given(
    made=st.lists(st.tuples(numbers, st.none() | numbers, st.booleans()), min_size=1, max_size=6)
)
def test_every_figure_stands_once_and_misses_come_first_the_worst_on_top(
    made: list[tuple[float, float | None, bool]], page: ModuleType, figures: ModuleType
) -> None:
    found = [
        figures.Figure(work=f"work {number}.", value=value, unit="x", goal=goal, at_most=at_most)
        for number, (value, goal, at_most) in enumerate(made)
    ]
    kept = figures.Found(command="c", seed=1, commit="x", machine="m", loops_per_s=1e6, figures=tuple(found))
    text = page.page([page.Measured("one", kept)], "key")
    at = {figure.work: text.index(f"| {figure.work} |") for figure in found}
    assert all(text.count(f"| {figure.work} |") == 1 for figure in found)

    def rank(figure: Any) -> float:
        value, goal = figure.value, figure.goal
        if goal is None:
            return 2.0
        good = value <= goal if figure.at_most else value >= goal
        return 1.0 if good else 0.0

    ordered = sorted(found, key=lambda one: at[one.work])
    assert [rank(one) for one in ordered] == sorted(rank(one) for one in found)
    missed = [one.reach for one in ordered if rank(one) == 0.0]
    assert missed == sorted(missed)
