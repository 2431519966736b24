"""The reading verbs on a ledger with a story in it: text, JSON, exit codes, and what they may import."""

import contextlib
import json
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from ledger_story import story
from market_views import MARK

from liqbot.cli import main
from liqbot.exits import Exit
from liqbot.journal import Journal
from liqbot.ledger import LedgerWriter
from liqbot.ledger.migrate import HEAD
from liqbot.review.explain_text import as_text
from liqbot.review.ledger_reader import SCHEMA
from liqbot.review.pictures.map_bars import map_bars
from liqbot.review.tables import text_of

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("written")
    with LedgerWriter(f"sqlite:///{folder / 'ledger.sqlite'}", "abc123") as ledger:
        for observation in story():
            ledger.observe(observation)
    return folder


@pytest.fixture
def books(written: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(written, tmp_path, dirs_exist_ok=True))


@pytest.fixture
def run(books: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def call(*words: str, where: Path = books) -> tuple[int, str, str]:
        code = main([*words, "--data", str(where)])
        told = capsys.readouterr()
        return code, told.out, told.err

    call.data = books
    return call


def test_trades_as_text_and_json(run: Run):
    code, text, _ = run("trades")
    assert code == Exit.OK
    assert text.splitlines()[0].split()[:4] == ["trade_id", "opened", "coin", "side"]
    assert "-843.68" in text
    (trade,) = json.loads(run("trades", "--json")[1])
    assert trade["net_usd"] == pytest.approx(trade["gross_usd"] - trade["fees_usd"] + trade["funding_usd"])
    assert json.loads(run("trades", "--open", "--json")[1]) == []
    code, _, complaint = run("trades", "--coin", "ETH")
    assert (code, complaint.count("\n")) == (Exit.USAGE, 1)
    assert "--coin 'ETH': there are BTC" in complaint


@pytest.mark.parametrize("verb", ["report", "pnl", "trades"])
def test_a_ledger_that_read_nothing_of_the_journal_beside_it_says_so(run: Run, books: Path, verb: str) -> None:
    assert "note" not in run(verb)[2]
    for journal_id, noted in (("abc123", False), ("xyz999", True)):
        journal = books / "journal.sqlite"
        journal.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(journal)) as made, made:
            made.execute("CREATE TABLE stamp (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
            made.execute("INSERT INTO stamp VALUES ('journal_id', ?)", (journal_id,))
        code, _, said = run(verb)
        assert code == Exit.OK
        line = f"has read nothing of journal xyz999 beside it; see ./run db check --data {books}"
        assert (line in said, said.count("note")) == (noted, noted)


def test_decisions_newest_last_filtered_and_counted(run: Run, books: Path):
    assert [row["decision"] for row in json.loads(run("decisions", "--json", "--limit", "2")[1])] == [3, 4]
    assert [row["code"] for row in json.loads(run("decisions", "--json", "--code", "APPROVED")[1])] == ["APPROVED"]
    assert run("decisions")[1].splitlines()[-1] == f"next: ./run explain 4 --data {books}"
    counted = json.loads(run("decisions", "--by-code", "--json")[1])
    told = [(row["code"], row["ticks"]) for row in counted]
    assert told == [("volume_ratio", 6), ("POSITION_OPEN", 4), ("COOLDOWN", 2)]


@pytest.mark.parametrize("asked", ["3", "t1", "e1"])
def test_explain_by_decision_trade_or_order_tells_the_whole_story(run: Run, asked: str):
    code, text, _ = run("explain", asked, "--full")
    assert code == Exit.OK
    for word in (
        "cascade BTC long -> APPROVED", "mark_price 65,536.00", "pass   volume_ratio: 2.5 >= 1.5",
        "waived oi_change: absent >= 0.00   (oi_change absent)", "pass   leverage: 3, limit 5",
        "own liquidation at 46,500.00, density percentile 52", "<- mark, entry", "<- stop", "<- take", "sent (local)",
        "s1 stop stop_market 0.5 at 64,000.00: filled", "closed 0.5 at 63,990.00 (stop)",
        "closed by stop: -843.68 USD net, -1.05 R", "ended because: the first stop was reached",
    ):
        assert word in text, word
    found = json.loads(run("explain", asked, "--json")[1])
    assert [gate["name"] for gate in found["gates"]] == ["volume_ratio", "oi_change"]
    assert len(found["fills"]) == 3
    assert found["map"]["mark_price"] == 65_536.0


def test_of_an_open_trade_it_says_what_is_realised_and_what_is_not(run: Run, tmp_path: Path):
    where = tmp_path / "open"
    where.mkdir()
    with LedgerWriter(f"sqlite:///{where / 'ledger.sqlite'}", "abc123") as ledger:
        for observation in list(story())[:10]:
            ledger.observe(observation)
    told = run("explain", "t1", where=where)[1].splitlines()
    (line,) = (line for line in told if line.startswith("trade "))
    assert line == "trade t1  is open: -35.00 USD unrealised at 65,536.00, -19.68 USD realised"


def test_a_gate_without_a_threshold_is_not_asked(run: Run):
    found = json.loads(run("explain", "3", "--json")[1])
    found["gates"][1] |= {"threshold": None, "passed": True, "waived": False}
    assert "  pass   oi_change: absent, not asked   (oi_change absent)" in as_text(found).splitlines()


def test_explain_a_refusal_shows_its_gates_and_the_newest_map(run: Run):
    text = run("explain", "1", "--full")[1]
    assert "FAIL   oi_change" in text
    assert "<- mark" in text
    assert "nothing was done: volume_ratio" in text


@pytest.mark.parametrize("asked", ["3", "t1", "d2", "#2", " 3 ", "e1"])
def test_an_explanation_fits_a_screen_and_says_why_in_and_why_out(
    run: Run, monkeypatch: pytest.MonkeyPatch, asked: str
):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("LINES", "24")
    lines = run("explain", asked)[1].splitlines()
    assert len(lines) <= 23, "one is the prompt's"
    assert all(len(line) <= 80 for line in lines[:-1])
    told = {line.split()[0]: line for line in lines}
    assert "cluster above" in told["because"]
    assert "lost 843.68 USD net (-1.05 R), closed" in told["trade"]
    assert "the first stop was reached" in "".join(lines)
    assert lines[-1].endswith(f"--full --data {run.data}")
    code, full, _ = run(*shlex.split(lines[-1])[2:-2])
    assert (code, "orders" in full) == (Exit.OK, True), "the command that it names works"


def test_a_refusal_says_what_would_have_become_of_it(run: Run):
    found = json.loads(run("explain", "2", "--json")[1])
    assert found["decision"]["code"] == "COOLDOWN"
    assert (found["decision"]["stop_price"], found["decision"]["take_price"]) == (MARK * 0.99, MARK * 1.02)
    assert found["refused_outcome"]["by"] in {"stop", "take", "time", "unknown"}


def test_time_is_chosen_by_day_and_by_moment(run: Run):
    assert len(json.loads(run("decisions", "--day", "2025-06-15", "--json")[1])) == 4
    assert run("decisions", "--day", "2025-06-14")[1] == (
        "no decisions on 2025-06-14 (the ledger tells of 2025-06-15 15:06 to 2025-06-15 15:07)\n"
    )
    between = ("--since", "2025-06-15T15:06", "--until", "2025-06-15T15:07")
    assert len(json.loads(run("trades", *between, "--json")[1])) == 1
    assert json.loads(run("pnl", "--day", "2025-06-14", "--json")[1])["days"] == []
    assert json.loads(run("decisions", "--by-code", "--day", "2025-06-15", "--json")[1])
    _, out, note = run("decisions", "--since", "2h", "--json")
    assert len(json.loads(out)) == 4
    assert "counted from the newest moment of this ledger, 2025-06-15 15:07 UTC" in note
    for words in (["--day", "x"], ["--since", "2025-13-40"], ["--day", "today", "--since", "1h"],
                  ["--since", "2025-06-16", "--until", "2025-06-15"]):
        code, _, complaint = run("decisions", *words)
        assert (code, complaint.count("liqbot: ")) == (Exit.USAGE, 1), words


def test_a_mistyped_code_is_told_the_nearest(run: Run):
    code, _, complaint = run("decisions", "--code", "cooldwn")
    assert code == Exit.USAGE
    assert "--code 'cooldwn': did you mean 'COOLDOWN'? there are APPROVED, COOLDOWN" in complaint


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("words", [["trades"], ["decisions"], ["decisions", "--by-code"], ["pnl"]])
def test_a_table_has_a_line_for_each_row(run: Run, monkeypatch: pytest.MonkeyPatch, words: list[str], width: int):
    rows = json.loads(run(*words, "--json")[1])
    monkeypatch.setenv("COLUMNS", str(width))
    lines = run(*words)[1].splitlines()
    told = [line for line in lines if not line.startswith("next: ")]
    assert all(len(line) <= width for line in told if "--set" not in line)
    if isinstance(rows, list):
        first = lines[1 : 1 + len(rows)]
        assert len(first) == len(rows)
        assert all("cascade" in line for line in first if "trades" not in words)


def test_pnl_adds_up(run: Run):
    found = json.loads(run("pnl", "--json")[1])
    assert found["total"]["net_usd"] == pytest.approx(found["strategies"][0]["net_usd"])
    assert found["unexplained_usd"] == 0
    assert found["drawdown_max"]["drawdown_usd"] == pytest.approx(843.679, abs=0.001)
    assert "unexplained: 0.000000 USD" in run("pnl")[1]


def test_what_is_not_there_ends_in_its_exit_code_and_says_what_to_do(run: Run, tmp_path: Path):
    for words in (["explain", "99"], ["explain", "t9"], ["explain", "nonsense"]):
        code, _, complaint = run(*words)
        assert code == Exit.NOT_FOUND
        assert "liqbot decisions" in complaint
    for words in (["trades"], ["decisions"], ["pnl"], ["explain", "1"], ["db", "check"], ["db", "upgrade"]):
        code, _, complaint = run(*words, where=tmp_path / "none")
        assert code == Exit.NOT_FOUND
        assert str(tmp_path / "none") in complaint
        assert "liqbot paper" in complaint


def test_a_file_that_is_no_ledger_and_one_of_another_version(books: Path, tmp_path: Path):
    import sqlite3

    (tmp_path / "text").write_text("not a database at all, only words")
    assert main(["trades", "--db", str(tmp_path / "text")]) == Exit.NOT_FOUND
    connection = sqlite3.connect(books / "ledger.sqlite")
    connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.commit()
    connection.close()
    assert main(["trades", "--data", str(books)]) == Exit.DATABASE
    assert SCHEMA == HEAD


def test_db_backup_check_and_upgrade(run: Run, books: Path, tmp_path: Path):
    from liqbot.blocks import EventBlock, Roster

    with Journal.open(books / "journal.sqlite", mode="paper", account="sim", roster=Roster(("a",), ("B",))) as journal:
        journal.append(EventBlock(), "feed", 1)
    code, text, _ = run("db", "check")
    assert code == Exit.FAILED
    assert "PROBLEM ledger: has read nothing of journal" in text
    assert run("db", "backup", str(tmp_path / "copies"))[0] == Exit.OK
    assert sorted(path.name for path in (tmp_path / "copies").iterdir()) == ["journal.sqlite", "ledger.sqlite"]
    assert run("db", "backup", str(tmp_path / "copies"))[0] == Exit.DATABASE
    (books / "journal.sqlite").unlink()
    found = json.loads(run("db", "check", "--json")[1])
    assert (found["problems"], found["ledger_trades"], found["unexplained_usd"]) == ([], 1, 0)
    assert f"is at schema {HEAD}" in run("db", "upgrade")[1]


def test_a_damaged_ledger_is_one_line(run: Run, books: Path):
    path = books / "ledger.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (page_bytes,) = connection.execute("PRAGMA page_size").fetchone()
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 'trade'").fetchone()
    mangled = bytearray(path.read_bytes())
    mangled[(root - 1) * page_bytes : root * page_bytes] = b"\xa5" * page_bytes
    path.write_bytes(mangled)
    code, out, complaint = run("trades")
    assert (code, out, complaint.count("\n")) == (Exit.FAILED, "", 1)
    assert "ledger.sqlite: cannot be read: " in complaint
    code, _, complaint = run("db", "backup", str(books / "copies"))
    assert (code, complaint.count("\n")) == (Exit.FAILED, 1)
    assert not list((books / "copies").iterdir()), "no half copy stays behind"


def test_db_check_counts_the_money(run: Run, books: Path):
    import sqlite3

    connection = sqlite3.connect(books / "ledger.sqlite")
    connection.execute("UPDATE fill SET fee_usd = fee_usd + 1 WHERE id = 1")
    connection.commit()
    connection.close()
    code, text, _ = run("db", "check")
    assert code == Exit.FAILED
    assert "0.000001 USD" in text


@pytest.mark.parametrize("column", ["gross_usd", "fees_usd", "funding_usd"])
def test_db_check_holds_every_trade_against_its_own_rows(run: Run, books: Path, column: str):
    with contextlib.closing(sqlite3.connect(books / "ledger.sqlite")) as connection:
        connection.execute(f"UPDATE trade SET {column} = {column} + 10000")
        connection.commit()
    code, text, _ = run("db", "check")
    assert code == Exit.FAILED
    assert "PROBLEM ledger: trade 1 differs by 0.010000 USD" in text
    assert "db rebuild" in text


def test_a_view_that_is_gone_is_told_and_made_anew(run: Run, books: Path):
    with contextlib.closing(sqlite3.connect(books / "ledger.sqlite")) as connection:
        connection.execute("DROP VIEW v_daily_pnl")
        connection.commit()
    assert "PROBLEM ledger: lacks v_daily_pnl; liqbot db upgrade" in run("db", "check")[1]
    assert run("db", "upgrade")[0] == Exit.OK
    assert run("pnl")[0] == Exit.OK
    assert "PROBLEM" not in run("db", "check")[1]


def test_a_schema_that_is_damaged_is_one_line_with_what_to_do(run: Run, books: Path):
    with contextlib.closing(sqlite3.connect(books / "ledger.sqlite")) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        broken = "replace(sql, 'AS DOUBLE', 'AS ]DOUBLE')"
        connection.execute(f"UPDATE sqlite_master SET sql = {broken} WHERE name = 'v_trades'")
        connection.commit()
    code, out, complaint = run("trades")
    assert (code, out, complaint.count("\n")) == (Exit.NOT_FOUND, "", 1)
    assert "liqbot db rebuild" in complaint


@pytest.mark.drawn
def test_reading_verbs_import_nothing_heavy(books: Path):
    script = (
        "import sys; from liqbot.cli import main; code = main(sys.argv[1:]); "
        "heavy = {'sqlmodel', 'sqlalchemy', 'alembic', 'pydantic_settings', 'ccxt', 'pyarrow', 'numpy', 'rich'}; "
        "print(sorted(heavy & set(sys.modules)), file=sys.stderr); sys.exit(code)"
    )
    for words in (["trades"], ["decisions"], ["explain", "3"], ["pnl"], ["report"]):
        ended = subprocess.run(
            [sys.executable, "-c", script, *words, "--data", str(books)], check=True, capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": str(Path.cwd())},
        )
        assert ended.stderr.splitlines()[-1] == "[]", words


def test_map_bars_mark_prices_and_lengths():
    bins = {"edges": [90.0, 95.0, 100.0, 105.0, 110.0], "long_usd": [10.0, 40.0, 0.0, 0.0],
            "short_usd": [0.0, 0.0, 20.0, 0.0]}
    lines = map_bars(bins, 100.0, {"stop": 92.0, "far away": 40.0})
    assert len(lines) == 21
    assert [line for line in lines if "mark" in line]
    (stop,) = [line for line in lines if "stop" in line]
    assert stop.lstrip().startswith("92.")
    assert not any("far away" in line for line in lines)
    prices = [float(line.split()[0]) for line in lines]
    assert prices == sorted(prices, reverse=True)
    longest = max(lines, key=lambda line: line.count("█"))
    assert 95.0 < float(longest.split()[0]) < 100.0
    assert map_bars({"edges": [], "long_usd": [], "short_usd": []}, 100.0, {})[0].endswith("$0")


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, ""), (1234.5, "1,234.50"), (0.00012345, "0.0001234"), (5.5, "5.5"), (12, "12"), ("x", "x"),
     ("2025-06-15T15:06:47.000Z", "2025-06-15T15:06:47"), (True, "True"), (-3.28, "-3.28")],
)
def test_cells(value: object, text: str):
    assert text_of(value) == text
