"""A strategy of the user's own takes part: it is compared and searched, and loaded again where the work is done."""

import shutil
from pathlib import Path

import numpy as np
import pytest
from walk_tape import random_walk

from liqbot.blocks import EventBlock, Roster
from liqbot.settings import load
from paper.research.controls import MIRRORED, RANDOM
from paper.research.researched import Wanted, researched
from paper.research.search import Search, search
from paper.research.search_space import suggested_space, written_space
from paper.research.setup import Setup, ready
from paper.research.study import SearchBook
from paper.research.work import LocalWorkers
from paper.tapes.writer import write_tape

ROOT = Path(__file__).parents[3]
OWN = (
    "signals.grab_reverse.enabled=false", "signals.cascade.enabled=false", "signals.funding_squeeze.enabled=false",
    "signals.breakout.volume_ratio_min=0.8", "signals.breakout.move_range_min=0.7",
)  # fmt: skip


@pytest.fixture(scope="module")
def own_setup(tmp_path_factory: pytest.TempPathFactory) -> Setup:
    """The example alone, on a short tape."""
    config = tmp_path_factory.mktemp("config")
    (config / "strategies").mkdir(mode=0o700)
    shutil.copy(ROOT / "examples/own_strategy.py", config / "strategies/own_strategy.py")
    (config / "strategies/own_strategy.py").chmod(0o600)
    (config / "paper.toml").write_text('[signals]\nfiles = ["own_strategy.py"]\n', encoding="utf-8")
    tape = config / "walk.parquet"
    write_tape(tape, [EventBlock(**random_walk(100, 3))], Roster(("binance",), ("BTC",)))
    settings = load("paper", config=config, overrides=OWN, environment={}).settings
    return Setup.of(tape, settings, "paper", config)


@pytest.mark.long
def test_it_stands_beside_its_controls(own_setup: Setup) -> None:
    found = researched(own_setup, LocalWorkers(1), lambda _text: None, wanted=Wanted(draws=4))
    assert found.report.strategies == ("breakout",)
    assert found.report.trades.closed >= 2
    beside = {one.control: one for one in found.research.controls if one.strategy == "breakout"}
    assert beside[RANDOM].trades > 0
    # It does not look at the map, so a mirrored one changes nothing but where its own liquidation may lie.
    assert beside[MIRRORED].trades > 0
    assert {one.code for one in found.research.refusals} & {"MOVED", "VOLUME"}


def test_it_is_searched(own_setup: Setup, tmp_path: Path) -> None:
    names = {one.name for one in suggested_space(ready(own_setup).settings, ["breakout"]).dimensions}
    assert names == {"signals.breakout.move_range_min", "signals.breakout.volume_ratio_min",
                     "signals.breakout.stop_pct_max"}  # fmt: skip
    space = written_space(["signals.breakout.move_range_min=1,4"])
    asked = Search((own_setup,), (), space, 4, 2, 1)
    book = SearchBook(f"sqlite:///{tmp_path}/search.sqlite", "own", asked.digest())
    search(asked, book, LocalWorkers(1), lambda _text: None)
    trades = {key: sum(len(one.r_multiples) for one in tried.walked.values()) for key, tried in book.tried().items()}
    assert trades['{"signals.breakout.move_range_min": 1}'] > trades['{"signals.breakout.move_range_min": 4}']
    assert np.all(np.array(list(trades.values())) >= 0)
