"""A small simulated market and its score, made once for all that look at it."""

from pathlib import Path

import pytest

from paper.score.params import ScoreParams
from paper.score.tape_score import Scored, score_tape
from paper.tapes.reader import Tape, read_tape
from paper.tapes.truth import export
from paper.world import World, WorldParams
from paper.world.params import SEVEN_VENUES, CrowdParams, ShockParams

HOUR_MS = 3_600_000


@pytest.fixture(scope="session")
def params() -> ScoreParams:
    return ScoreParams(shuffles=4, resamples=50, bins=60, shuffle_gap_h=24)


@pytest.fixture(scope="session")
def market() -> World:
    """To be run once; `files` holds what it did with the same seed."""
    return World(
        WorldParams(
            days=3, step_ms=600_000, backfill_days=1, backfill_step_ms=600_000, burn_in_days=1, venues=SEVEN_VENUES[:3],
            crowd=CrowdParams(positions=1000), shocks=ShockParams(first_wick_minute=None),
        ),
        5,
    )  # fmt: skip


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory, market: World) -> tuple[Path, Path]:
    """Tape and truth."""
    directory = tmp_path_factory.mktemp("market")
    tape, truth = directory / "tape.parquet", directory / "truth.parquet"
    export(World(market.params, 5), tape, truth, every_ms=HOUR_MS)
    return tape, truth


@pytest.fixture(scope="session")
def tape(files: tuple[Path, Path]) -> Tape:
    return read_tape(files[0])


@pytest.fixture(scope="session")
def scored(tape: Tape, files: tuple[Path, Path], params: ScoreParams) -> Scored:
    return score_tape(tape, params, truth=files[1], seed=3)
