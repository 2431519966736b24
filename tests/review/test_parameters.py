"""Which parameters `map` and `check` answer with: the run's own as it recorded them, or those that are named."""

import json
from pathlib import Path
from typing import Any

import pytest

from liqbot.blocks import EventBlock, block_of
from liqbot.cli import main
from liqbot.exits import Exit
from liqbot.journal import Journal
from liqbot.journal.rerun import SNAPSHOT_NAME
from liqbot.ledger import LedgerWriter
from liqbot.ledger.observation import observation_of
from liqbot.runtime.assembly import engine_of, opening_facts, snapshot_version
from liqbot.settings import Settings, load
from paper.sessions.listings import paper_instruments
from tests.builders.market_rows import START_MS, RandomMarket

MARKET = RandomMarket(seed=11, venues=("binance", "bybit"), span_ms=300_000, volatility_pct=0.4)
LISTED = paper_instruments("binance", ("BTC",))
POSITION = ("--side", "long", "--entry", "60000", "--leverage", "5", "--venue", "binance")


def settings_with(*overrides: str) -> Settings:
    fixed = ("venues=binance,bybit", *overrides)
    return load("paper", overrides=fixed, environment={}).settings


def written(data: Path, *runs: Settings, snapshot: bool = False) -> None:
    """A journal and a ledger of starts under one configuration after another."""
    steps = list(MARKET.steps(60))
    with (
        Journal.open(data / "journal.sqlite", mode="paper", account="x", roster=MARKET.roster) as journal,
        LedgerWriter(f"sqlite:///{data / 'ledger.sqlite'}", journal.stamp.journal_id) as ledger,
    ):
        state = b""
        for number, settings in enumerate(runs):
            engine = engine_of(settings, MARKET.roster, journal.stamp.journal_id, LISTED)
            if state:
                engine.restore(state)
            mine = steps[number * len(steps) // len(runs) : (number + 1) * len(steps) // len(runs)]
            begin_ms = mine[0][0] - 300_000
            facts = opening_facts(settings, MARKET.roster, journal.stamp.journal_id, LISTED, begin_ms)
            for block in (EventBlock(facts=facts), *(block_of(rows, MARKET.roster, tick_ms=at) for at, rows in mine)):
                seq = journal.append(block, "inbox", 1)
                step = engine.on_block(block)
                journal.record(seq, step)
                ledger.observe(observation_of(seq, block, step, engine))
            if snapshot and number == 0:
                ledger.flush()
                journal.save_snapshot(SNAPSHOT_NAME, journal.last_seq, snapshot_version(), engine.snapshot())
            state = engine.snapshot()


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    assert main([*words, "--json"]) == Exit.OK
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


@pytest.mark.drawn
@pytest.mark.parametrize("book", ["journal", "ledger"])
def test_a_check_is_judged_by_the_limit_that_the_run_recorded(
    book: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    written(tmp_path, settings_with("risk.density_percentile_max=7"))
    if book == "ledger":
        (tmp_path / "journal.sqlite").unlink()
    words = ("check", *POSITION, "--data", str(tmp_path))
    own = answer(capsys, *words)
    assert own["percentile_max"] == 7
    assert own["parameters"].startswith(f"recorded in the {book}, digest ")
    named = answer(capsys, *words, "--set", "risk.density_percentile_max=55")
    assert named["percentile_max"] == 55
    assert named["parameters"] == "profile paper with --set risk.density_percentile_max=55"
    assert main([*words]) == Exit.OK
    assert f"parameters: {own['parameters']}" in capsys.readouterr().out


@pytest.mark.drawn
def test_a_profile_that_is_named_counts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path, settings_with("risk.density_percentile_max=7"))
    config = tmp_path / "config"
    config.mkdir()
    (config / "mine.toml").write_text("[risk]\ndensity_percentile_max = 33\n")
    found = answer(
        capsys, "check", *POSITION, "--data", str(tmp_path), "--profile", "mine", "--config", str(config)
    )
    assert (found["percentile_max"], found["parameters"]) == (33, "profile mine")


@pytest.mark.drawn(singly=True)
@pytest.mark.parametrize("snapshot", [False, True])
def test_a_map_is_the_one_that_the_run_had(
    snapshot: bool, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The second start changed the clusters' definition: the map at the end is drawn by it, the one before not."""
    wide, narrow = "market.clusters.fuel_distance_pct=9", "market.clusters.fuel_distance_pct=1"
    written(tmp_path, settings_with(wide), settings_with(narrow), snapshot=snapshot)
    words = ("map", "--data", str(tmp_path))
    end = answer(capsys, *words)
    before = answer(capsys, *words, "--at", str(START_MS + 15 * 300_000))
    assert end["parameters"] != before["parameters"]
    assert sum(end[f"fuel_{side}_usd"] for side in ("above", "below")) < sum(
        before[f"fuel_{side}_usd"] for side in ("above", "below")
    )
    again = answer(capsys, *words, "--set", wide)
    assert again["parameters"] == f"profile paper with --set {wide}"
    assert sum(again[f"fuel_{side}_usd"] for side in ("above", "below")) > sum(
        end[f"fuel_{side}_usd"] for side in ("above", "below")
    )


@pytest.mark.drawn(singly=True)
def test_a_map_on_the_screen_says_its_parameters(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path, settings_with())
    assert main(["map", "--data", str(tmp_path)]) == Exit.OK
    assert "parameters: recorded in the journal, digest " in capsys.readouterr().out
