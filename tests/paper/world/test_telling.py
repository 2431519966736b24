from pathlib import Path

import numpy as np
import pytest

from liqbot.instruments import Side
from paper.tapes.reader import read_tape
from paper.tapes.truth import export, read_truth
from paper.world import Telling, World, WorldParams, told_blocks
from paper.world.params import CrowdParams

PARAMS = WorldParams(
    step_ms=60_000, days=0.1, burn_in_days=0.3, backfill_days=0.05, crowd=CrowdParams(positions=600, share_of_oi=0.5)
)
HOUR_MS = 3_600_000
SEED = 4


@pytest.mark.drawn(singly=True)
def test_what_is_told_is_the_truth_above_a_size(tmp_path: Path) -> None:
    told = Telling(("hyperliquid", "bybit"), 2e6, HOUR_MS)
    export(World(PARAMS, SEED), tmp_path / "tape", tmp_path / "truth", every_ms=HOUR_MS, told=told)
    tape, (roster, truth) = read_tape(tmp_path / "tape"), read_truth(tmp_path / "truth")
    codes = [roster.venue_code(venue) for venue in told.venues]
    snapshots = 0
    for block in tape.blocks():
        rows = block.positions
        if not len(rows):
            continue
        snapshots += 1
        large = truth[
            (truth["time_ms"] == block.tick_ms) & np.isin(truth["venue"], codes) & (truth["size_usd"] >= 2e6)
        ]
        for name, true_name in (("venue", "venue"), ("side", "side"), ("price", "liquidation_price"),
                                ("size_usd", "size_usd")):  # fmt: skip
            assert rows[name].tolist() == large[true_name].tolist()
    assert snapshots == len(np.unique(truth["time_ms"]))


def test_a_venue_with_nothing_that_large_says_so() -> None:
    world = World(PARAMS, SEED)
    blocks = told_blocks(world.backfill(), world, Telling(("okx", "bybit"), 1e12, 600_000))
    rows = next(block.positions for block in blocks if len(block.positions))
    assert rows["venue"].tolist() == [world.roster.venue_code(venue) for venue in ("okx", "bybit")]
    assert rows["size_usd"].tolist() == [0.0, 0.0]
    assert set(rows["side"].tolist()) == {int(Side.LONG)}
    assert (rows["price"] > 0).all()


@pytest.mark.drawn(singly=True)
def test_the_market_itself_stays_as_it_was() -> None:
    told, plain = World(PARAMS, SEED), World(PARAMS, SEED)
    blocks = told_blocks(told.backfill(), told, Telling(("bybit",)))
    for one, other in zip(blocks, plain.backfill(), strict=True):
        assert one.bars.tobytes() == other.bars.tobytes()
        assert one.liquidations.tobytes() == other.liquidations.tobytes()


def test_an_unknown_venue_is_refused() -> None:
    world = World(PARAMS, SEED)
    with pytest.raises(ValueError, match="'kraken' is not one of"):
        next(told_blocks(world.backfill(), world, Telling(("kraken",))))
