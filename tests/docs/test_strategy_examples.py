"""The worked examples of the strategies are what the house does on the made markets today, words and pictures."""

import importlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from xml.etree import ElementTree as ET

import pytest

from tests.builders.documents import ROOT

pytestmark = pytest.mark.drawn
"""What they share costs the most of them."""

DOCS = ROOT / "docs"
SMALL = 100_000
"""Bytes of a picture."""


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    """`docs/generate_strategies.py`, which lies beside what it is made of and in no package."""
    before = list(sys.path)
    sys.path.insert(0, str(DOCS))
    try:
        yield importlib.import_module("generate_strategies")
    finally:
        sys.path[:] = before


@pytest.fixture(scope="module")
def page() -> str:
    return (DOCS / "strategies.md").read_text(encoding="utf-8")


def words_of(svg: Path) -> list[str]:
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg.read_text(encoding="utf-8"))


@pytest.mark.parametrize("names", [
    ("cascade",),
    pytest.param(("grab_reverse", "avoid_liquidity"), marks=pytest.mark.long),
    pytest.param(("funding_squeeze",), marks=pytest.mark.long),
])  # fmt: skip
def test_the_page_has_what_the_script_writes(names: tuple[str, ...], script: ModuleType, page: str, tmp_path: Path):
    """Where this fails and the change is meant: `.venv/bin/python docs/generate_strategies.py`."""
    found = dict(script.examples(names))
    assert set(found) == set(names)
    for name, example in found.items():
        assert script.parts(page, name)[1] == example.text
        made = tmp_path / f"{name}.svg"
        example.picture.write(made)
        assert words_of(script.picture_of(name)) == words_of(made)


def test_every_strategy_has_an_example_with_a_picture_that_says_what_it_is(script: ModuleType, page: str):
    ours = {path.stem for path in (ROOT / "liqbot" / "signals" / "strategies").glob("*.py")} - {"__init__"}
    assert set(script.NAMES) == ours
    for name in script.NAMES:
        picture = script.picture_of(name)
        assert f"]({picture.name})" in script.parts(page, name)[1]
        assert picture.stat().st_size < SMALL
        ET.parse(picture)
        said = " ".join(words_of(picture))
        assert "USD is an estimate" in said
        assert "simulated market" in said


def test_a_page_without_the_marks_of_an_example_is_named(script: ModuleType):
    with pytest.raises(ValueError, match=r"strategies\.md: lacks the marks of the example cascade"):
        script.parts("a page", "cascade")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_jagged_way_ends_where_it_should_and_loses_nothing(seed: int, script: ModuleType):
    made = importlib.import_module("_strategy_markets")
    stretch = made.Stretch(60, 100_000.0 + seed, 2.0, 0.6, 4.0 * seed, 1e6 * seed)
    steps = list(made.jagged(90_000.0, (stretch, stretch._replace(bar_minutes=5, to_price=95_000.0))))
    first, second = steps[:20], steps[20:]
    assert sum(one.minutes for one in first) == sum(one.minutes for one in second) == 60
    assert (first[-1].to_price, second[-1].to_price) == (stretch.to_price, 95_000.0)
    assert sum(one.oi_pct for one in first) == pytest.approx(stretch.oi_pct)
    assert sum(one.forced_usd for one in first) == pytest.approx(stretch.forced_usd)
    assert len({one.to_price for one in first}) == len(first)
