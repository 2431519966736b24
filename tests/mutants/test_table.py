"""The table of live mutants: every defect still meets the code it breaks, every test it names is there; and, with
`--all`, every one of them is caught."""

import ast

import pytest

from bench.live_mutants import ROOT, hunted
from tests.mutants.table import LIVE_MUTANTS, LiveMutant

MUTANTS_MIN = 15
each = pytest.mark.parametrize("mutant", LIVE_MUTANTS.values(), ids=LIVE_MUTANTS)


def test_there_are_enough_and_no_two_are_the_same() -> None:
    assert len(LIVE_MUTANTS) >= MUTANTS_MIN
    assert len({(one.target, one.replace) for one in LIVE_MUTANTS.values()}) == len(LIVE_MUTANTS)
    assert not {one.target.partition(".")[0] for one in LIVE_MUTANTS.values()} - {"liqbot"}, "the live path only"


@each
def test_its_target_is_still_there(mutant: LiveMutant) -> None:
    owner, name = mutant.place()
    sound = vars(owner)[name]
    assert mutant.replace(sound) is not sound


@each
def test_the_test_it_names_exists(mutant: LiveMutant) -> None:
    path, _, name = mutant.caught_by.partition("::")
    tree = ast.parse((ROOT / path).read_text(encoding="utf-8"))
    functions = {node.name: node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
    assert name in functions
    marks = " ".join(ast.unparse(one) for one in functions[name].decorator_list)
    marks += " ".join(ast.unparse(one) for one in tree.body if "pytestmark" in ast.unparse(one))
    assert "mark.long" not in marks, "an ordinary run leaves it out"
    assert "mark.drawn" not in marks, "an ordinary run may leave it out"


def test_the_page_shows_the_table() -> None:
    page = (ROOT / "docs" / "proofs.md").read_text(encoding="utf-8")
    for mutant in LIVE_MUTANTS.values():
        assert f"| `{mutant.name}` | {mutant.what} |" in page, "rewrite it: ./run bench live_mutants --page"
        assert mutant.caught_by in page


@pytest.mark.long
@each
def test_it_is_caught(mutant: LiveMutant) -> None:
    found = hunted(mutant.name)
    assert found.caught, found.output
