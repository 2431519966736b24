"""`liqbot config`: examples that load, values with their origin, faults with their code."""

import json
from pathlib import Path

import pytest

from liqbot.cli import main
from liqbot.exits import Exit


def test_init_writes_examples_that_check_and_keeps_what_is_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--config", str(tmp_path / "new")]
    assert main(["config", "init", *where]) == Exit.OK
    for profile in ("paper", "testnet", "demo", "live"):
        assert main(["config", "check", "--profile", profile, *where]) == Exit.OK
    mine = tmp_path / "new" / "paper.toml"
    mine.write_text("coins = ['ETH']\n", encoding="utf-8")
    assert main(["config", "init", *where]) == Exit.OK
    assert mine.read_text(encoding="utf-8") == "coins = ['ETH']\n"
    assert "kept" in capsys.readouterr().out


def test_init_into_a_place_that_cannot_be_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    assert main(["config", "init", "--config", str(tmp_path / "file" / "below")]) == Exit.CONFIG
    assert "cannot write" in capsys.readouterr().err


def test_show_says_where_each_value_was_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "paper.toml").write_text("[journal]\nkeep_days = 3\n", encoding="utf-8")
    assert main(["config", "show", "--origin", "--config", str(tmp_path), "--set", "coins=ETH"]) == Exit.OK
    lines = {line.split(" = ")[0]: line for line in capsys.readouterr().out.splitlines()}
    assert lines["journal.keep_days"].endswith(f"# {tmp_path / 'paper.toml'}")
    assert lines["coins"].endswith("# --set coins")
    assert lines["mode"].endswith("# default")


def test_show_as_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["config", "show", "--json", "--config", str(tmp_path)]) == Exit.OK
    shown = json.loads(capsys.readouterr().out)
    assert shown["mode"] == {"value": "paper", "origin": "default"}


def test_secrets_are_masked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIQBOT_KEYS__BYBIT__SECRET", "canary-77")
    for words in (["show"], ["show", "--json"], ["check"]):
        assert main(["config", *words, "--config", str(tmp_path)]) == Exit.OK
    printed = capsys.readouterr()
    assert "canary-77" not in printed.out + printed.err
    assert "***" in printed.out
