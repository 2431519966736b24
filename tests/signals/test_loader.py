"""Strategies of a user's own load from the files and entry points that are named, or are refused in one line."""

import decimal
import re
import warnings
from pathlib import Path

import numpy as np
import pytest

from liqbot import extensions
from liqbot.exits import Exit, ExpectedError
from liqbot.signals.loader import load_own
from liqbot.signals.registry import signal_model

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
        (("GATES, lambda", "7, lambda"), r"mine\.py:11: gates: expected a tuple of GateSpecs"),
        (("GATES = (", "GATES = (("), r"mine\.py:9: '\(' was never closed"),
        (("import Exits", "import Exist"), r"mine\.py:3: ImportError"),
    ],
)
def test_a_broken_file_gives_one_line_with_its_place(config: Path, change: tuple[str, str], complaint: str) -> None:
    assert change[0] in GOOD
    written(config, GOOD.replace(*change))
    assert re.search(complaint, refusal(config))


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ("raise SystemExit(0)", r"mine\.py:11: SystemExit: 0$"),
        ("raise SystemExit", r"mine\.py:11: SystemExit$"),
        ("raise GeneratorExit", r"mine\.py:11: GeneratorExit$"),
    ],
)
def test_a_file_that_would_end_the_program_is_refused(config: Path, statement: str, complaint: str) -> None:
    written(config, GOOD.replace("STRATEGY =", f"{statement}\nSTRATEGY ="))
    assert re.search(complaint, refusal(config))


def test_an_expression_that_would_end_the_program_is_refused(config: Path) -> None:
    written(config, GOOD.replace("lambda f, p: Exits(1.0, 2.0)", "lambda f, p: exit(0)"))
    assert re.search(r"mine\.py:11: SystemExit", refusal(config))


def test_what_a_file_prints_is_not_the_answer_of_a_verb(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    talking = GOOD.replace("GATES, lambda f, p:", "GATES, lambda f, p: print('exits') or")
    written(config, "print('here I am')\n" + talking)
    load_own(("mine.py",), (), config)
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err == "here I am\nexits\n"


@pytest.mark.parametrize(
    ("parameter", "complaint"),
    [
        ("odd: float = float('nan')", "params: odd is nan, which no journal can keep"),
        ("odd: float = float('inf')", "params: odd is inf, which no journal can keep"),
        ("odd: bytes = b'\\xff'", r"params: odd is b'\\xff', which no journal can keep"),
        ("odd: object = object()", r"params: odd is <object object at 0x\.\.>, which no journal can keep"),
        ("odd: object = print", "params: odd is a builtin_function_or_method, which no journal can keep"),
        ("odd: list[int] = [1]", "params: odd is a list; expected what keeps its order and content, as a tuple does"),
        ("odd: dict[str, int] = {}", "params: odd is a dict; expected"),
        ("odd: frozenset[str] = frozenset('ab')", "params: odd is a frozenset; expected"),
        ("enabled: str = 'yes'", "params: enabled is 'yes'; Input should be a valid boolean, as for every strategy"),
        ("max_hold_ms: int = -1", "params: max_hold_ms is -1; Input should be greater than or equal to 60000"),
    ],
)
def test_a_parameter_that_no_journal_keeps_is_named(config: Path, parameter: str, complaint: str) -> None:
    written(config, GOOD.replace("flow_min: float = 0.1", f"flow_min: float = 0.1\n    {parameter}"))
    assert re.search(r"mine\.py:12: " + complaint, refusal(config))


@pytest.mark.parametrize(
    "parameter",
    ["odd: tuple[float, ...] = (1.0, 2.0)", "odd: float | None = None", "odd: str = 'ü'", "max_hold_ms: int = 60_000"],
)
def test_a_parameter_that_a_journal_keeps_is_accepted(config: Path, parameter: str) -> None:
    written(config, GOOD.replace("flow_min: float = 0.1", f"flow_min: float = 0.1\n    {parameter}"))
    assert [one.name for one in load_own(("mine.py",), (), config).strategies] == ["mine"]


def test_gates_may_be_a_list(config: Path) -> None:
    written(config, GOOD.replace("GATES, lambda", "list(GATES), lambda", 1))
    assert signal_model(load_own(("mine.py",), (), config).strategies)().own[0].name == "mine"


def test_what_is_called_may_be_an_object_that_cannot_be_hashed(config: Path) -> None:
    above = "@dataclass\nclass Above:\n    least: float\n    def __call__(self, f, p): return f.flow - self.least\n"
    written(config, "from dataclasses import dataclass\n" + above + GOOD.replace('same("flow")', "Above(0.1)"))
    assert signal_model(load_own(("mine.py",), (), config).strategies)().own[0].name == "mine"


def test_how_a_file_reckons_and_what_it_makes_of_warnings_is_its_own(config: Path) -> None:
    settings = "import decimal, warnings\nimport numpy as np\ndecimal.getcontext().prec = 3\n"
    raised = "np.seterr(all='raise')\nwarnings.simplefilter('error')\n"
    written(config, settings + raised + GOOD)
    before = decimal.getcontext().prec, np.geterr(), list(warnings.filters)
    load_own(("mine.py",), (), config)
    assert (decimal.getcontext().prec, np.geterr(), list(warnings.filters)) == before


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
