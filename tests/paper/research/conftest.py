"""One tape on which the house trades, and its backtest with everything beside it."""


import pytest
from walk_tape import paper_settings, random_walk

from liqbot.blocks import EventBlock, Roster
from paper.research.researched import Researched, Wanted, researched
from paper.research.setup import Setup
from paper.research.work import LocalWorkers
from paper.tapes.writer import write_tape

HOURS, SEED = 320, 3
WANTED = Wanted(draws=6, monte_carlo=100)


@pytest.fixture(scope="session")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Setup:
    path = tmp_path_factory.mktemp("walk") / "walk.parquet"
    write_tape(path, [EventBlock(**random_walk(HOURS, SEED))], Roster(("binance",), ("BTC",)))
    return Setup.of(path, paper_settings(), "paper", None)


@pytest.fixture(scope="session")
def found(setup: Setup) -> Researched:
    return researched(setup, LocalWorkers(1), lambda _text: None, wanted=WANTED)
