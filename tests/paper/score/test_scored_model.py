"""The product as a scored model: leaving out what strategies read of the map changes nothing that is scored."""

import numpy as np
import pytest

from liqbot.market.params import MarketParams
from paper.score.models import LiqbotModel
from paper.score.setting import setting_of
from paper.score.tape_score import Scored
from paper.tapes.reader import Tape


@pytest.mark.long
def test_a_map_that_nobody_reads_learns_and_promises_the_same(tape: Tape, scored: Scored) -> None:
    setting = setting_of(tape, scored.scoring.params)
    lean, full = (
        LiqbotModel(tape.roster, setting.coin, setting.home, MarketParams(), reading=reading)
        for reading in (False, True)
    )
    asked = 0
    for number, block in enumerate(tape.blocks()):
        for model in (lean, full):
            model.take(block)
        assert np.array_equal(lean.touched_usd(), full.touched_usd())
        if number % 97 == 96:
            one, other = (model.outlook((1, 4), 40) for model in (lean, full))
            assert np.array_equal(one.positions_usd, other.positions_usd)
            assert all(np.array_equal(one.forecast_usd[hours], other.forecast_usd[hours]) for hours in (1, 4))
            assert np.array_equal(one.percentile, other.percentile, equal_nan=True)
            asked += int(one.positions_usd.any())
    assert asked > 3
