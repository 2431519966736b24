"""Given beats environment beats checkout beats user beats system; the current directory comes last and is reported."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from liqbot import places

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A user without directories of their own, in an empty directory."""
    for name in (*places.PLACE_VARIABLES, "XDG_CONFIG_HOME", "XDG_STATE_HOME", "CREDENTIALS_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setattr(places, "_reported", set())


def test_state_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert places.data_place(None, "demo") == (Path("var/demo"), places.CURRENT)
    own = tmp_path / "home/.local/state/liqbot"
    own.mkdir(parents=True)
    assert places.data_dir(None, "demo") == own / "demo"
    monkeypatch.setenv("LIQBOT_HOME", "/opt/liqbot")
    assert places.data_place(None, "demo") == (Path("/opt/liqbot/var/demo"), "$LIQBOT_HOME")
    monkeypatch.setenv("LIQBOT_DATA", "/srv/state")
    assert places.data_place(None, "demo") == (Path("/srv/state"), "$LIQBOT_DATA")
    assert places.data_place(Path("mine"), "demo") == (Path("mine"), "--data")


def test_a_backtest_is_never_put_among_the_books_of_a_bot(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIQBOT_DATA", "/srv/state")
    monkeypatch.setenv("LIQBOT_HOME", "/opt/liqbot")
    assert places.backtest_dir(None, "crash") == Path("/opt/liqbot/var/backtest/crash")
    assert places.backtest_dir(Path("mine"), "crash") == Path("mine")


def test_configuration_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert places.config_place() == (Path("config"), places.CURRENT)
    own = tmp_path / "home/.config/liqbot"
    own.mkdir(parents=True)
    assert places.config_dir() == own
    monkeypatch.setenv("LIQBOT_HOME", "/opt/liqbot")
    assert places.config_dir() == Path("/opt/liqbot/config")
    monkeypatch.setenv("LIQBOT_CONFIG", "/etc/bot")
    assert places.config_dir() == Path("/etc/bot")
    assert places.config_dir(Path("mine")) == Path("mine")


def test_the_current_directory_is_reported_once_in_a_line(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for _ in range(2):
        assert places.data_dir(None, "demo") == Path("var/demo")
    reported = capsys.readouterr().err
    assert reported.count("\n") == 1
    assert str(tmp_path / "here/var/demo") in reported
    assert "$LIQBOT_DATA" in reported
    places.config_dir()
    assert capsys.readouterr().err == "", "a configuration that is not there decides nothing"
    (tmp_path / "here/config").mkdir()
    places.config_dir()
    assert str(tmp_path / "here/config") in capsys.readouterr().err
    places.data_dir(tmp_path, "demo")
    assert capsys.readouterr().err == ""


def test_recorded_days_never_lie_in_the_current_directory_in_silence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """State that is named by --data says nothing about where the days of all modes are kept."""
    places.data_dir(tmp_path, "demo")
    assert places.rungs_path() == Path("var/rungs.jsonl")
    where = tmp_path / "here/var/rungs.jsonl"
    said = f"note: recorded days in {where}, by the current directory; $LIQBOT_RUNGS names it\n"
    assert capsys.readouterr().err == said
    monkeypatch.setenv("LIQBOT_RUNGS", "/srv/rungs.jsonl")
    assert places.rungs_path() == Path("/srv/rungs.jsonl")
    assert capsys.readouterr().err == ""


def test_secrets_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    assert places.secrets_dir() is None
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", "/run/credentials/bot")
    assert places.secrets_dir() == Path("/run/credentials/bot")
    monkeypatch.setenv("LIQBOT_SECRETS", "/etc/secrets")
    assert places.secrets_dir() == Path("/etc/secrets")


def test_the_script_works_on_its_own_checkout_from_any_directory(tmp_path: Path) -> None:
    """With a stand-in for the program: what the script hands over is what counts."""
    checkout = tmp_path / "checkout"
    (checkout / ".venv/bin").mkdir(parents=True)
    for name in ("run", "requirements.lock", "requirements-dev.lock", "pyproject.toml"):
        (checkout / name).write_bytes((ROOT / name).read_bytes())
    sums = subprocess.run(
        "cat requirements.lock requirements-dev.lock pyproject.toml | cksum", shell=True, cwd=checkout, check=True,
        capture_output=True, text=True,
    ).stdout.strip()
    (checkout / ".venv/built-from").write_text(f"use {sums} {checkout}")
    source = checkout / "liqbot/market/estimate/fold_kernels.py"
    source.parent.mkdir(parents=True)
    source.write_text("")
    (checkout / "paper").mkdir()
    (checkout / ".venv/fold-tried").write_text(f"{sums} 4294967295 0")
    (checkout / ".venv/bin/python").symlink_to(sys.executable)
    program = checkout / ".venv/bin/liqbot"
    program.write_text('#!/bin/sh\nprintf "%s" "$LIQBOT_HOME"\n')
    program.chmod(0o755)
    environment = os.environ | {"LIQBOT_HOME": "/another", "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        ["sh", str(checkout / "run"), "status"], cwd=tmp_path, env=environment, check=True, capture_output=True,
        text=True,
    )
    assert done.stdout == str(checkout)
    assert list(source.parent.glob("__pycache__/fold_kernels.*.pyc")), "compiled, whatever the environment says"
