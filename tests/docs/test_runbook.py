"""The runbook has a row, and a word on what to do, for everything that a bot can halt for or wake somebody with."""

import ast
import re
from collections.abc import Iterator

import pytest

from liqbot.halts import HaltCode
from liqbot.observers import alert_rules
from liqbot.signals.verdict import STRATEGY_FAILED
from tests.builders.documents import ROOT

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
LIFTED_BY = {HaltCode.NONE, HaltCode.OPERATOR_RESUME, HaltCode.STARTED_AGAIN}


def rows(section: str) -> dict[str, str]:
    """Of the table of a section: code to what to do."""
    body = re.split(r"^## ", RUNBOOK, flags=re.MULTILINE)
    text = next(part for part in body if part.startswith(f"{section}\n"))
    cells = [re.split(r"(?<!\\)\|", line)[1:-1] for line in text.splitlines() if line.startswith("| ")]
    return {code: row[-1].strip() for row in cells for code in re.findall(r"`([A-Z_]+)`", row[0])}


def alert_codes() -> Iterator[str]:
    """Second word of every `Alert(...)` of the program, constants looked up; codes of halts are those of the table."""
    for path in (ROOT / "liqbot").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] == "Alert" and len(node.args) > 1:
                yield from _codes(node.args[1])


def _codes(word: ast.expr) -> Iterator[str]:
    if isinstance(word, ast.Constant):
        yield word.value
    elif isinstance(word, ast.Name) and word.id != "code":
        yield {"STRATEGY_FAILED": STRATEGY_FAILED}.get(word.id) or getattr(alert_rules, word.id)
    elif isinstance(word, ast.Name):
        yield from ("LIQUIDATED", "DELEVERAGED")
    else:
        assert ast.unparse(word) == "fact.code or type(fact).__name__.upper()", "a new kind of code: name it here"
        yield from ("HALT", "FLATTEN")


def test_every_halt_has_its_row() -> None:
    found = rows("Halts")
    assert set(found) == {code.value for code in HaltCode if code not in LIFTED_BY}
    assert all(found.values())


@pytest.mark.drawn
def test_every_alert_has_its_row() -> None:
    found = rows("Alerts")
    codes = set(alert_codes())
    assert {alert_rules.UNPROTECTED, alert_rules.CLUSTER, STRATEGY_FAILED} <= codes
    assert set(found) == codes
    assert all(found.values())


def test_what_the_table_calls_refused_is_refused_and_what_runs_on_does() -> None:
    from liqbot.halts import MANAGE_ONLY_HALTS

    text = RUNBOOK.partition("## Halts")[2].partition("## Alerts")[0]
    on = {HaltCode(code) for code in re.findall(r"^\| `([A-Z_]+)` \|.*\| runs on \|", text, re.MULTILINE)}
    assert on == MANAGE_ONLY_HALTS
