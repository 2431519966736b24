"""The paper verb as a user runs it: twelve simulated minutes at full speed, then every reading verb on what it left."""

import contextlib
import json
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from shared_once import made_once

from liqbot import places
from liqbot.blocks import Roster
from liqbot.journal import Journal
from liqbot.risk.decision import Refusal

pytestmark = pytest.mark.drawn(dear=True)
"""What they share costs the most of them."""

LIQBOT = (sys.executable, "-c", "import sys; from liqbot.cli import main; sys.exit(main())")
QUICK = ("--speed", "0")
TWELVE_MINUTES = (
    "--set", "paper.world.days=0.0083", "--set", "paper.world.shocks.first_wick_minute=2",
    # A short past in coarse steps makes a colder map than risk asks for.
    "--set", "paper.world.backfill_days=2.5", "--set", "paper.world.backfill_step_ms=300000",
    "--set", "risk.warmth_pct_min=25",
)
MOMENTS = ("--set", "paper.world.days=0.001", "--set", "paper.world.backfill_days=0.1")


def liqbot(*words: str, seed: str = "random", **environment: str) -> subprocess.CompletedProcess[str]:
    # Compiled, as a user has it: these fold long enough for that.
    env = {**os.environ, "PYTHONHASHSEED": seed, "NO_COLOR": "1", "LIQBOT_UNCOMPILED": "", **environment}
    return subprocess.run([*LIQBOT, *words], capture_output=True, text=True, timeout=600, check=False, env=env)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    def run(folder: Path) -> None:
        done = liqbot("paper", *QUICK, *TWELVE_MINUTES, "--data", str(folder / "data"))
        assert done.returncode == 0, done.stderr
        (folder / "said").write_text(done.stdout)

    folder = made_once(tmp_path_factory, "paper_session", run)
    return folder / "data", (folder / "said").read_text()


def test_a_session_trades_and_says_why(session: tuple[Path, str]) -> None:
    data, said = session
    assert "venues up: binance, bybit, okx" in said
    for word in ("map filling", "liquidation map", "signal", "approved", "refused", "fill"):
        assert word in said, word
    assert str(data / "ledger.sqlite") in said
    assert " 1 trades closed" in said or " 2 trades closed" in said


def test_every_fill_and_refusal_is_in_the_ledger(session: tuple[Path, str]) -> None:
    data, said = session
    fills = sum("  fill  " in line for line in said.splitlines())
    refused = sum("  refused  " in line for line in said.splitlines())
    trades = json.loads(liqbot("trades", "--data", str(data), "--json").stdout)
    decisions = json.loads(liqbot("decisions", "--data", str(data), "--json", "--limit", "10000").stdout)
    assert fills >= 2 * sum(trade["status"] == "closed" for trade in trades) > 0
    risk_codes = {str(code) for code in Refusal}
    # A refusal that comes again soon is counted on its row, so the codes are compared, not the rows.
    refusals = [line for line in said.splitlines() if "  refused  " in line]
    said_codes = {code for code in risk_codes if any(f" {code}:" in line for line in refusals)}
    assert {row["code"] for row in decisions} & risk_codes == said_codes
    assert refused >= len(said_codes) > 0
    entry = next(row for row in decisions if row["code"] == "APPROVED")
    told = liqbot("explain", str(entry["decision"]), "--full", "--data", str(data)).stdout
    for part in ("inputs", "gates", "map", "checks", "orders", "outcome"):
        assert part in told, part


def test_the_commands_that_it_names_work(session: tuple[Path, str]) -> None:
    data, said = session
    lines = said.splitlines()
    first = next(number for number, line in enumerate(lines) if line.startswith("next "))
    named = [shlex.split(line.removeprefix("next"))[1:] for line in lines[first:]]
    assert [words[0] for words in named] == ["trades", "explain", "report", "map"]
    for words in named:
        assert words[-2:] == ["--data", str(data)]
        done = liqbot(*words)
        assert (done.returncode, "Traceback" in done.stderr) == (0, False), words
        assert done.stdout.strip(), words


def test_every_map_in_the_ledger_has_its_forecast(session: tuple[Path, str]) -> None:
    """It is read by the thread that folds the market, not by the one that writes, when the market has gone on."""
    data, _ = session
    with contextlib.closing(sqlite3.connect(places.ledger_path(data))) as ledger:
        rows = ledger.execute("SELECT coalesce(forecast, 'null') FROM map_snapshot").fetchall()
    forecasts = [json.loads(one) for (one,) in rows]
    assert len(forecasts) > 3
    assert all(one is not None and one["by_horizon_h"] for one in forecasts)


@pytest.mark.parametrize("seed", [pytest.param("0", marks=pytest.mark.long), "1"])
def test_its_journal_replays_to_the_same_bytes(session: tuple[Path, str], seed: str) -> None:
    data, _ = session
    done = liqbot("replay", "--data", str(data), "--json", seed=seed)
    assert done.returncode == 0, done.stdout
    assert json.loads(done.stdout)["equality"] == "byte-identical steps"


def test_another_cpu_path_decides_the_same(session: tuple[Path, str]) -> None:
    data, _ = session
    done = liqbot("replay", "--data", str(data), "--json", NPY_DISABLE_CPU_FEATURES="X86_V3 X86_V4",
                  LIQBOT_UNCOMPILED="1")
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout)["equality"] in ("byte-identical steps", "same decisions")


def test_the_next_session_keeps_the_books_of_this_one(session: tuple[Path, str], tmp_path: Path) -> None:
    data = shutil.copytree(session[0], tmp_path / "data")
    journal_id = json.loads(liqbot("db", "check", "--data", str(data), "--json").stdout)
    again = liqbot("paper", *QUICK, *MOMENTS, "--data", str(data))
    assert again.returncode == 0, again.stderr
    kept = list((data / "earlier").iterdir())
    assert len(kept) == 1
    assert (kept[0] / "journal.sqlite").exists()
    assert (kept[0] / "ledger.sqlite").exists()
    assert kept[0].name in json.dumps(journal_id)


def test_books_of_another_mode_are_never_moved(tmp_path: Path) -> None:
    with Journal.open(
        tmp_path / "journal.sqlite", mode="live", account="somebody's", roster=Roster(("binance",), ("BTC",))
    ):
        pass
    done = liqbot("paper", *QUICK, *MOMENTS, "--data", str(tmp_path))
    assert done.returncode == 3
    assert "mode live" in done.stderr
    assert (tmp_path / "journal.sqlite").exists()
    assert not (tmp_path / "earlier").exists()
