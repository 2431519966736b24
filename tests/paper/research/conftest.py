"""One tape on which the house trades: by a strategy of the user's own, so that all of this is shown to hold for such,
beside those of the program as they are set."""

import shutil
from pathlib import Path

import pytest
from walk_tape import random_walk

from liqbot.blocks import EventBlock, Roster
from liqbot.settings import load
from paper.research.setup import Setup
from paper.tapes.writer import write_tape

HOURS, SEED = 220, 3
OFTEN = ("signals.breakout.volume_ratio_min=0.8", "signals.breakout.move_range_min=0.7")
EXAMPLE = Path(__file__).parents[3] / "examples/own_strategy.py"


@pytest.fixture(scope="session")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Setup:
    config = tmp_path_factory.mktemp("config")
    (config / "strategies").mkdir(mode=0o700)
    shutil.copy(EXAMPLE, config / "strategies/own_strategy.py")
    (config / "strategies/own_strategy.py").chmod(0o600)
    (config / "paper.toml").write_text('[signals]\nfiles = ["own_strategy.py"]\n', encoding="utf-8")
    tape = config / "walk.parquet"
    write_tape(tape, [EventBlock(**random_walk(HOURS, SEED))], Roster(("binance",), ("BTC",)))
    settings = load("paper", config=config, overrides=OFTEN, environment={}).settings
    return Setup.of(tape, settings, "paper", config)
