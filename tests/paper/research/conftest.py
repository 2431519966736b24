"""One tape on which the house trades."""

import pytest
from walk_tape import paper_settings, random_walk

from liqbot.blocks import EventBlock, Roster
from paper.research.setup import Setup
from paper.tapes.writer import write_tape

HOURS, SEED = 320, 3


@pytest.fixture(scope="session")
def setup(tmp_path_factory: pytest.TempPathFactory) -> Setup:
    path = tmp_path_factory.mktemp("walk") / "walk.parquet"
    write_tape(path, [EventBlock(**random_walk(HOURS, SEED))], Roster(("binance",), ("BTC",)))
    return Setup.of(path, paper_settings(), "paper", None)
