"""The verbs as they are typed: results on stdout, one line and exit code 2 for a broken tape."""

import json
import os
import shutil
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from liqbot import places
from liqbot.blocks import DTYPES, KINDS, EventBlock, Roster
from liqbot.cli import main
from liqbot.exits import Exit, ExpectedError
from liqbot.journal import Journal
from liqbot.settings import settings_model
from liqbot.venues.registry import VENUES
from paper.tapes.format import COLUMNS, TapeError
from paper.tapes.reader import read_tape
from paper.tapes.writer import write_tape
from paper.verbs import VERBS
from paper.verbs import backtest as backtest_verb
from paper.verbs.tape import app as tape_app

ROSTER = Roster(("binance", "bybit"), ("BTC",))
START_MS = 1_700_000_000_000


def blocks(count: int = 50) -> list[EventBlock]:
    made = []
    for index in range(count):
        bars = np.zeros(2, DTYPES["bars"])
        bars["time_ms"], bars["venue"], bars["span_ms"] = START_MS + 60_000 * index, (0, 1), 60_000
        for name, price in (("open", 60_000.0), ("high", 60_050.0), ("low", 59_950.0), ("close", 60_000.0 + index % 7)):
            bars[name] = price
        bars["volume_usd"], bars["buy_usd"], bars["sell_usd"] = 1e6, np.nan, np.nan
        made.append(EventBlock(bars=bars, tick_ms=START_MS + 60_000 * index))
    return made


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    path = tmp_path / "small.parquet"
    write_tape(path, blocks(), ROSTER)
    return path


def stdout_of(app: typer.Typer, *words: str) -> str:
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_info_and_check(tape: Path) -> None:
    text = stdout_of(tape_app, "info", str(tape))
    assert "100 rows" in text
    assert "open interest: none" in text
    told = json.loads(stdout_of(tape_app, "info", str(tape), "--json"))
    assert [held["venue"] for held in told["holds"]] == ["binance", "bybit"]
    assert stdout_of(tape_app, "check", str(tape)).startswith("ok:")


def test_a_file_that_is_no_tape_is_bad_input(tmp_path: Path) -> None:
    path = tmp_path / "not.parquet"
    path.write_text("hello")
    with pytest.raises(ExpectedError, match="not a Parquet file") as caught:
        CliRunner().invoke(tape_app, ["check", str(path)], catch_exceptions=False)
    assert caught.value.exit_code == Exit.USAGE


def test_export_gives_the_clock_steps_of_the_journal(tmp_path: Path) -> None:
    made = blocks()
    path = places.journal_path(tmp_path)
    with Journal.open(path, mode="paper", account="paper", roster=ROSTER) as journal:
        for seq, block in enumerate(made, 1):
            journal.append(block, "test", seq)
    told = json.loads(stdout_of(tape_app, "export", str(tmp_path / "out.parquet"), "--db", str(path), "--json"))
    assert told["rows"] == 100
    back = list(read_tape(tmp_path / "out.parquet").blocks())
    assert [block.tick_ms for block in back] == [block.tick_ms for block in made]
    same = [left.rows(kind).tobytes() == right.rows(kind).tobytes()
            for left, right in zip(made, back, strict=True) for kind in KINDS]  # fmt: skip
    assert all(same)


def test_a_venue_of_ones_own_is_known_with_its_profile_and_then_by_the_tape(tmp_path: Path) -> None:
    own = tmp_path / "own"
    shutil.copytree(Path(__file__).parents[3] / "examples/own_venue", own)
    for path in (own, *own.iterdir()):
        path.chmod(0o700 if path.is_dir() else 0o600)
    csv = tmp_path / "t.csv"
    with csv.open("w") as file:
        file.write(",".join(COLUMNS) + "\n")
        cells = {"time_ms": START_MS, "venue": "harbour", "coin": "BTC", "kind": "open_interest", "oi_usd": 5e9}
        file.write(",".join(str(cells.get(name, "")) for name in COLUMNS) + "\n")
    with pytest.raises(TapeError, match="'harbour'; no such venue"):
        CliRunner().invoke(tape_app, ["import", str(csv), str(tmp_path / "t.parquet")], catch_exceptions=False)
    named = ["--config", str(own), "--profile", "harbour"]
    try:
        stdout_of(tape_app, *named, "import", str(csv), str(tmp_path / "t.parquet"))
    finally:
        VENUES.remove("harbour")
    assert "harbour" in stdout_of(tape_app, "info", str(tmp_path / "t.parquet"))


def test_export_without_a_journal(tmp_path: Path) -> None:
    words = ["export", str(tmp_path / "x.parquet"), "--db", str(tmp_path / "no.sqlite")]
    with pytest.raises(ExpectedError) as caught:
        CliRunner().invoke(tape_app, words, catch_exceptions=False)
    assert caught.value.exit_code == Exit.NOT_FOUND


@pytest.mark.drawn
def test_backtest_prints_a_report_and_keeps_its_books(
    tape: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "paper" not in settings_model().model_fields:
        pytest.skip("the package is not installed, so its section of the configuration is unknown")
    monkeypatch.setenv("LIQBOT_HOME", str(tmp_path))
    app = typer.Typer()
    app.command()(backtest_verb.backtest)
    text = stdout_of(app, str(tape), "--no-journal")
    assert text.startswith("BTC on binance")
    assert not (tmp_path / "var").exists()
    told = json.loads(stdout_of(app, str(tape), "--json", "--set", "trade_venue=bybit"))
    assert (told["trade_venue"], told["trades"]["closed"]) == ("bybit", 0)
    assert sorted(path.name for path in (tmp_path / "var/backtest/small").iterdir() if path.suffix == ".sqlite") == [
        "journal.sqlite",
        "ledger.sqlite",
    ]
    assert told["journal"] == str(tmp_path / "var/backtest/small/journal.sqlite")


def test_the_verbs_are_in_the_table() -> None:
    assert {"tape", "backtest"} <= VERBS.keys()


def test_a_look_ahead_says_when_nothing_could_show(tape: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lookahead", str(tape), "--moments", "1"]) == Exit.OK
    said = capsys.readouterr().out
    assert "nothing was decided on this tape, so nothing could show" in said or "no decision knew the future" in said
    assert "future changed after 2023-11-14T" in said


@pytest.mark.parametrize(
    ("option", "value"),
    [("--utc-offset", "nan"), ("--utc-offset", "99"), ("--contract-units", "nan"), ("--contract-units", "-3")],
)
def test_what_no_clock_and_no_contract_has_is_refused_before_anything_is_read(
    option: str, value: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tape", "import", str(tmp_path), str(tmp_path / "t.parquet"), option, value]) == Exit.USAGE
    said = capsys.readouterr().err
    assert said.startswith(f"liqbot: Invalid value for '{option}'")
    assert said.count("\n") == 1


def test_a_backtest_that_is_cut_short_says_that_its_books_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """By its service manager: nobody takes what is written until then for the whole."""
    write_tape(tmp_path / "t.parquet", blocks(2_000), ROSTER)
    data = tmp_path / "data"

    def end_it() -> None:
        while not places.ledger_path(data).exists():
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)  # without one of its own it would end this test run
    watcher = threading.Thread(target=end_it)
    watcher.start()
    try:
        assert main(["backtest", str(tmp_path / "t.parquet"), "--no-controls", "--data", str(data)]) == 130
    finally:
        watcher.join()
        signal.signal(signal.SIGTERM, before)
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("liqbot: ")]
    assert said == [
        f"liqbot: the books in {data} end here; a backtest that runs to its end replaces them", "liqbot: interrupted"
    ]
