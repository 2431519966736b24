"""The reference of the map from trades is the map, and sees a bin that is wrong."""

from collections.abc import Callable
from types import ModuleType

import numpy as np
import pytest

from liqbot.market.estimate.kernels import USD


@pytest.mark.drawn(singly=True)
@pytest.mark.parametrize("seed", [1, 2])
def test_no_bin_is_wrong_and_a_wrong_one_is_seen(seed: int, script: Callable[[str], ModuleType]) -> None:
    bench = script("map_trades")
    trades = bench.made(20_000, seed)
    bars, price = bench.coalesced(trades), float(trades.price[0])
    assert bars.usd.sum() == pytest.approx(trades.usd.sum())
    state, exact = bench.folded(bars, price).state, bench.reference(bars, price)
    assert len(exact) > 100
    assert bench.wrong_bins(state, exact) == 0
    line = state.cells[USD, 0, 0, 3]
    place = int(np.argmax(line))
    line[place] *= 1.0 + 1e-6
    assert bench.wrong_bins(state, exact) == 1, "by a millionth of one bin"
    line[place] /= 1.0 + 1e-6
    line[:] = np.roll(line, 1)
    assert bench.wrong_bins(state, exact) >= 10, "the total is the same"
