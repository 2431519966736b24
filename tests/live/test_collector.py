"""What a start, the doctor and `config check` know of the collector that a profile follows."""

import time
from pathlib import Path
from typing import Any

import pytest
from collector_life import ROSTER

from liqbot.blocks import EventBlock, Roster
from liqbot.cli import main
from liqbot.exits import Exit, ExpectedError
from liqbot.journal import Journal
from liqbot.live.collector import require_collected
from liqbot.live.doctor import Health, _collector
from liqbot.places import journal_path
from liqbot.settings import Settings, settings_model


def collecting(data: Path, roster: Roster = ROSTER, age_s: float = 0.0) -> Path:
    with Journal.open(journal_path(data), mode="observe", account="none", roster=roster) as journal:
        journal.append(EventBlock(tick_ms=int((time.time() - age_s) * 1_000)), "inbox", 1)
    return data


def following(data: Path, **more: Any) -> Settings:
    return settings_model()(**{"venues": ("binance",), "feeds": {"from_journal": str(data)}} | more)


def test_what_is_collected_is_enough(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = following(collecting(tmp_path / "collector"))
    require_collected(settings, tmp_path / "own")
    assert capsys.readouterr().err == ""
    found = _collector(settings)
    assert (found.verdict, "mode observe" in found.text) == (Health.OK, True)


def test_what_is_wanted_and_not_collected_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = following(collecting(tmp_path / "collector"), venues=("binance", "bybit"), coins=("BTC", "SOL"))
    require_collected(settings, tmp_path / "own")
    (line,) = capsys.readouterr().err.splitlines()
    assert "wanted and not collected: bybit, SOL" in line
    assert (_collector(settings).verdict, "bybit, SOL" in _collector(settings).text) == (Health.WARN, True)


def test_a_start_without_its_own_venue_or_any_coin_is_refused_unless_a_position_may_be_open(tmp_path: Path) -> None:
    data = collecting(tmp_path / "collector")
    for more in ({"venues": ("bybit",), "trade_venue": "bybit"}, {"coins": ("SOL",)}):
        with pytest.raises(ExpectedError, match="wanted and not collected") as refused:
            require_collected(following(data, **more), tmp_path / "own")
        assert refused.value.exit_code == Exit.CONFIG
        require_collected(following(data, **more), tmp_path / "own", held=True)


def test_nobody_follows_himself(tmp_path: Path) -> None:
    data = collecting(tmp_path / "collector")
    with pytest.raises(ExpectedError, match="this very process"):
        require_collected(following(data), data)


def test_a_collector_that_is_not_there_is_waited_for_and_the_doctor_fails(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = following(tmp_path / "nowhere")
    require_collected(settings, tmp_path / "own")
    assert "no such file" in capsys.readouterr().err
    assert _collector(settings).verdict is Health.FAIL
    silent = _collector(following(collecting(tmp_path / "collector", age_s=60)))
    assert (silent.verdict, "silent for 60 s" in silent.text) == (Health.FAIL, True)


def test_config_check_says_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = collecting(tmp_path / "collector", age_s=7_200)
    config = tmp_path / "config"
    config.mkdir()
    (config / "mine.toml").write_text(f'venues = ["binance", "bybit"]\n[feeds]\nfrom_journal = "{data}"\n')
    assert main(["config", "check", "--profile", "mine", "--config", str(config)]) == Exit.OK
    said = capsys.readouterr().out
    assert "collector: " in said
    assert "wanted and not collected: bybit" in said
    (config / "mine.toml").write_text('[feeds]\nfrom_journal = "var/record"\n')
    assert main(["config", "check", "--profile", "mine", "--config", str(config)]) == Exit.CONFIG
    assert "expected an absolute path" in capsys.readouterr().err
