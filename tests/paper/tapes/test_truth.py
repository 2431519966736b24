from pathlib import Path

import numpy as np
import pytest

from paper.tapes.reader import read_tape
from paper.tapes.truth import TruthError, export, read_truth
from paper.world import World, WorldParams
from paper.world.params import CrowdParams, ShockParams

PARAMS = WorldParams(
    step_ms=60_000,
    days=0.1,
    burn_in_days=0.3,
    backfill_days=0.05,
    crowd=CrowdParams(positions=600),
    shocks=ShockParams(first_wick_minute=None),
)
HOUR_MS = 3_600_000


@pytest.mark.drawn
def test_tape_and_truth_are_what_the_world_did(tmp_path: Path):
    world = World(PARAMS, 3)
    written = export(world, tmp_path / "tape.parquet", tmp_path / "truth.parquet", every_ms=HOUR_MS)
    roster, truth = read_truth(tmp_path / "truth.parquet")
    assert roster == world.roster
    assert len(truth) == written.truth_rows
    again = World(PARAMS, 3)
    snapshots, blocks = [], [*again.backfill()]
    for block in blocks:
        assert block.backfilled
    again = World(PARAMS, 3)
    for stream in (again.backfill(), again.blocks()):
        snapshots += [again.positions() for block in stream if block.tick_ms % HOUR_MS == 0]
    assert np.array_equal(np.concatenate(snapshots), truth)

    tape = read_tape(tmp_path / "tape.parquet")
    assert tape.rows == written.tape_rows
    assert tape.roster == world.roster
    assert world.fingerprint in tape.header.note
    third = World(PARAMS, 3)
    made = [*third.backfill(), *third.blocks()]
    for mine, read in zip(made, tape.blocks(), strict=True):
        assert read.tick_ms == mine.tick_ms
        for kind in ("bars", "liquidations", "open_interest", "marks", "funding"):
            assert read.rows(kind).tobytes() == mine.rows(kind).tobytes()


def test_steps_that_do_not_divide_the_interval_still_give_one_snapshot_each(tmp_path: Path):
    params = PARAMS.model_copy(update={"step_ms": 420_000, "backfill_step_ms": 420_000})
    export(World(params, 3), tmp_path / "tape.parquet", tmp_path / "truth.parquet", every_ms=HOUR_MS)
    times = np.unique(read_truth(tmp_path / "truth.parquet")[1]["time_ms"])
    assert np.array_equal(np.unique(times // HOUR_MS), np.arange(times[0] // HOUR_MS, times[-1] // HOUR_MS + 1))
    assert (times % HOUR_MS < 420_000).all()
    assert len(times) == 4


@pytest.mark.drawn(singly=True)
def test_what_is_no_truth_is_refused(tmp_path: Path):
    with pytest.raises(ValueError, match="every_ms"):
        export(World(PARAMS, 3), tmp_path / "a", tmp_path / "b", every_ms=1000)
    assert not list(tmp_path.iterdir())
    broken = tmp_path / "broken.parquet"
    broken.write_text("no")
    with pytest.raises(TruthError, match="cannot be read"):
        read_truth(broken)
    with pytest.raises(TruthError, match="cannot be read"):
        read_truth(tmp_path / "nothing.parquet")
    export(World(PARAMS, 3), tmp_path / "tape.parquet", tmp_path / "truth.parquet", every_ms=HOUR_MS)
    with pytest.raises(TruthError, match="leverage"):
        read_truth(tmp_path / "tape.parquet")
