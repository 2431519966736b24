"""Strategies of a user's own load from the files and entry points that are named, or are refused in one line."""

import re
from pathlib import Path

import pytest

from liqbot import extensions
from liqbot.exits import Exit, ExpectedError
from liqbot.signals.loader import load_own

GOOD = """
from liqbot.signals.gates import GateSpec, same
from liqbot.signals.strategy import Exits, Strategy, StrategyParams

class Params(StrategyParams):
    "Mine."
    flow_min: float = 0.1

GATES = (GateSpec("flow", ("flow",), same("flow"), ">=", "flow_min"),)

STRATEGY = Strategy("mine", Params, GATES, lambda f, p: Exits(1.0, 2.0), lambda f, e: "because")
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "strategies").mkdir(mode=0o700)
    return tmp_path


def written(config: Path, text: str, name: str = "mine.py") -> Path:
    path = config / "strategies" / name
    path.write_text(text, encoding="utf-8")
    path.chmod(0o600)
    return path


def refusal(config: Path, files: tuple[str, ...] = ("mine.py",), entry_points: tuple[str, ...] = ()) -> str:
    with pytest.raises(ExpectedError) as caught:
        load_own(files, entry_points, config)
    assert caught.value.exit_code is Exit.CONFIG
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_named_file_loads_with_its_sha256_and_no_other_file_is_touched(config: Path) -> None:
    path = written(config, GOOD)
    written(config, "raise SystemExit('not named')", "other.py")
    (one,) = load_own(("mine.py",), (), config).strategies
    assert (one.name, one.origin, one.own) == ("mine", str(path), True)
    assert one.sha256 == extensions.load_file(path).sha256


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("STRATEGY = ", "STRATEGIES = "), r"mine\.py: expected STRATEGY = Strategy\(\.\.\.\), found no STRATEGY"),
        (('STRATEGY = Strategy("mine"', 'STRATEGY = str("mine"'), r"mine\.py:11: TypeError|mine\.py: "),
        (('"mine"', '"My Own"'), r"mine\.py:11: name 'My Own': expected small letters"),
        (('"mine"', '"cascade"'), r"mine\.py:11: name 'cascade': is taken"),
        (('"mine"', '"avoid_liquidity"'), "is taken"),
        (('"mine"', '"waive"'), "is taken"),
        (('("flow",)', '("flwo",)'), r"mine\.py:11: gate 'flow': input 'flwo' is no feature; did you mean 'flow'\?"),
        (("flow_min: float = 0.1", "flow_min: float"), r"mine\.py:11: params: flow_min needs a default"),
        (("GATES, lambda", "7, lambda"), r"mine\.py:11: TypeError"),
        (("GATES = (", "GATES = (("), r"mine\.py:9: '\(' was never closed"),
        (("import Exits", "import Exist"), r"mine\.py:3: ImportError"),
    ],
)
def test_a_broken_file_gives_one_line_with_its_place(config: Path, change: tuple[str, str], complaint: str) -> None:
    assert change[0] in GOOD
    written(config, GOOD.replace(*change))
    assert re.search(complaint, refusal(config))


def test_two_of_one_name_are_refused(config: Path) -> None:
    written(config, GOOD)
    written(config, GOOD, "again.py")
    assert re.search(r"again\.py:11: name 'mine': is taken", refusal(config, ("mine.py", "again.py")))


def test_a_file_that_is_not_there_or_no_entry_point_is_named(config: Path) -> None:
    assert "no Python file at" in refusal(config)
    assert "liqbot.strategies" in refusal(config, (), ("nothing",))


@pytest.mark.parametrize("mode", [0o770, 0o707])
@pytest.mark.parametrize("place", ["strategies", "strategies/mine.py"])
def test_others_may_write_neither_the_file_nor_its_directory(config: Path, place: str, mode: int) -> None:
    written(config, GOOD)
    (config / place).chmod(mode)
    assert re.search(r"may write .*; chmod go-w", refusal(config))


def test_an_import_of_the_outside_world_is_flagged_and_not_prevented(config: Path) -> None:
    path = written(config, "import os.path\nfrom socket import socket\n" + GOOD)
    loaded = load_own(("mine.py",), (), config)
    assert [one.name for one in loaded.strategies] == ["mine"]
    assert [line.split(": a strategy")[0] for line in loaded.warnings] == [
        f"{path}:1: imports os.path", f"{path}:2: imports socket",
    ]  # fmt: skip
    assert all("not a sandbox" in line for line in loaded.warnings)
