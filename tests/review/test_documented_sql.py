"""Every query in the documentation and in the datasette metadata runs, and most of them find something."""

import json
import re
import sqlite3
from pathlib import Path

import pytest
from ledger_story import story

from liqbot.ledger import LedgerWriter
from liqbot.ledger.views import views

ROOT = Path(__file__).parents[2]
DOCUMENTED = re.findall(r"```sql\n(.*?)```", (ROOT / "docs" / "sql.md").read_text(encoding="utf-8"), re.DOTALL)
CANNED = json.loads((ROOT / "config" / "datasette.json").read_text(encoding="utf-8"))["databases"]["ledger"]["queries"]
EMPTY_IS_RIGHT = ("unexplained",)


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> sqlite3.Connection:
    path = tmp_path_factory.mktemp("ledger") / "ledger.sqlite"
    with LedgerWriter(f"sqlite:///{path}", "abc123") as writer:
        for observation in story():
            writer.observe(observation)
    return sqlite3.connect(path)


@pytest.mark.parametrize("query", DOCUMENTED)
def test_a_documented_query_runs(ledger: sqlite3.Connection, query: str):
    assert bool(ledger.execute(query).fetchall()) is not any(word in query for word in EMPTY_IS_RIGHT)


@pytest.mark.parametrize("name", CANNED)
def test_a_canned_query_runs(ledger: sqlite3.Connection, name: str):
    found = ledger.execute(CANNED[name]["sql"], {"decision": 3, "day": "2025-06-15"}).fetchall()
    assert bool(found) is (name not in EMPTY_IS_RIGHT)


def test_every_view_is_documented():
    text = (ROOT / "docs" / "sql.md").read_text(encoding="utf-8")
    assert len(DOCUMENTED) >= 10
    assert [name for name in views("sqlite") if f"`{name}`" not in text] == []
