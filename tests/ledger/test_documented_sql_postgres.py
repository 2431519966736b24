"""The documented queries mean the same on PostgreSQL; the reading verbs read it too."""

import json
import re
from pathlib import Path

import pytest
from ledger_story import story

from liqbot.cli import main
from liqbot.ledger import LedgerWriter
from liqbot.ledger.connect import engine_for

DOCUMENTED = re.findall(
    r"```sql\n(.*?)```", (Path(__file__).parents[2] / "docs" / "sql.md").read_text(encoding="utf-8"), re.DOTALL
)


@pytest.mark.drawn(singly=True)
def test_documented_queries_and_verbs_on_postgresql(postgres_url: str, capsys: pytest.CaptureFixture[str]):
    with LedgerWriter(postgres_url, "abc123") as writer:
        for observation in story():
            writer.observe(observation)
    engine = engine_for(postgres_url)
    with engine.connect() as connection:
        for query in DOCUMENTED:
            assert connection.exec_driver_sql(query).fetchall() or "unexplained" in query
    engine.dispose()
    for words in (["trades"], ["decisions"], ["decisions", "--by-code"], ["explain", "t1"], ["pnl"]):
        assert main([*words, "--json", "--db", postgres_url]) == 0
        assert json.loads(capsys.readouterr().out)
        assert main([*words, "--db", postgres_url]) == 0
        assert capsys.readouterr().out
