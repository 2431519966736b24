"""`examples/own_strategy.py` is used as its user would: a file, a profile and the command, nothing in the program."""

import json
import re
import shutil
from pathlib import Path

import pytest
from small_tape import small_tape

from liqbot.cli import main

EXAMPLE = Path(__file__).parents[2] / "examples" / "own_strategy.py"
PROFILE = """
coins = ["BTC"]
venues = ["binance"]
[risk]
warmth_pct_min = 0.0
reward_min = 0.0
stop_pct_max = 10.0
[signals]
files = ["own_strategy.py"]
[signals.avoid_liquidity]
density_percentile_max = 80.0
[signals.breakout]
move_range_min = 0.5
volume_ratio_min = 0.2
[signals.grab_reverse]
enabled = false
[signals.cascade]
enabled = false
[signals.funding_squeeze]
enabled = false
"""


class User:
    """Somebody with a configuration directory and a tape."""

    def __init__(self, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
        self.config, self.data, self._capsys = place / "config", place / "data", capsys
        (self.config / "strategies").mkdir(parents=True)
        self.file = self.config / "strategies" / "own_strategy.py"
        shutil.copyfile(EXAMPLE, self.file)
        for path in (self.file, self.file.parent):
            path.chmod(0o700)
        (self.config / "paper.toml").write_text(PROFILE, encoding="utf-8")
        self.tape = small_tape(place / "small.parquet")

    def says(self, *words: object, exit_code: int = 0) -> str:
        """stdout, or stderr of a verb that is expected to fail."""
        self._capsys.readouterr()
        assert main([str(word) for word in words]) == exit_code
        out, err = self._capsys.readouterr()
        return err if exit_code else out

    def backtest(self, *words: str) -> dict[str, object]:
        where = "--config", self.config, "--data", self.data
        text = self.says("backtest", self.tape, *where, "--no-controls", "--json", *words)
        return json.loads(text)

    def asks(self, verb: str, *words: object) -> str:
        return self.says(verb, *words, "--data", self.data)


@pytest.fixture
def user(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> User:
    return User(tmp_path, capsys)


def test_it_is_configured_and_shown_like_ours(user: User) -> None:
    shown = json.loads(user.says("config", "show", "--config", user.config, "--json"))
    assert shown["signals.breakout.move_range_min"] == {"value": 0.5, "origin": str(user.config / "paper.toml")}
    assert shown["signals.breakout.take_r"] == {"value": 2.0, "origin": "default"}
    text = user.says("config", "show", "--config", user.config, "--origin", "--set", "signals.breakout.take_r=3")
    assert re.search(r"^signals\.breakout\.take_r = 3\.0 +# --set signals\.breakout\.take_r$", text, re.MULTILINE)
    assert user.says("config", "check", "--config", user.config).startswith("ok: profile paper")


@pytest.mark.drawn
def test_it_is_backtested_explained_and_replayed_with_its_very_file(user: User) -> None:
    report = user.backtest()
    assert report["strategies"] == ["breakout"]
    assert report["approvals"] >= 1
    assert {trip["strategy"] for trip in report["trips"]} == {"breakout"}

    rows = json.loads(user.asks("decisions", "--strategy", "breakout", "--code", "APPROVED", "--json"))
    explained = user.asks("explain", rows[-1]["decision"], "--full")
    assert "breakout BTC" in explained
    assert re.search(r"pass +moved: [\d.]+ >= 0\.5", explained)
    placed = json.loads(user.asks("decisions", "--strategy", "avoid_liquidity", "--code", "ACCEPTED", "--json"))
    explained = user.asks("explain", placed[-1]["decision"], "--full")
    assert "own_liquidation_price" in explained
    assert re.search(r"pass +thin_zone: [\d.]+ <= 80", explained)
    assert re.search(r"pass +alternatives: [1-5] >= 1", explained)

    assert "byte-identical" in user.asks("replay", "--config", user.config)
    user.file.write_text(user.file.read_text(encoding="utf-8") + "\n# another file now\n", encoding="utf-8")
    refusal = user.says("replay", "--config", user.config, "--data", user.data, exit_code=3)
    assert "'breakout'" in refusal
    assert "is loaded" in refusal


@pytest.mark.long
def test_it_is_disabled_like_ours(user: User) -> None:
    report = user.backtest("--set", "signals.breakout.enabled=false")
    assert report["strategies"] == []
    assert report["signals"] == 0


def test_what_it_breaks_is_named_in_one_line(user: User) -> None:
    user.file.write_text("from liqbot.signals.strategy import Strategy\n\nSTRATEGY = Strategy(\n", encoding="utf-8")
    complaint = user.says("config", "check", "--config", user.config, exit_code=3)
    assert complaint == f"liqbot: {user.file}:3: '(' was never closed\n"


@pytest.mark.long
def test_an_exception_disables_its_entries_and_is_in_the_books(user: User) -> None:
    text = user.file.read_text(encoding="utf-8")
    first = "    distance_pct = stop"
    broken = text.replace(first, f'    assert features.volume_ratio == 1.0, "no"\n{first}')
    assert broken != text
    user.file.write_text(broken, encoding="utf-8")
    report = user.backtest()
    assert report["approvals"] == 0
    rows = json.loads(user.asks("decisions", "--strategy", "breakout", "--code", "STRATEGY_FAILED", "--json"))
    assert {row["reason"] for row in rows} == {"AssertionError (line 60): no"}
    assert "byte-identical" in user.asks("replay", "--config", user.config)
