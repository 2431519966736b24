import numpy as np
import pytest
from estimates import open_in, positions_with, touch
from hypothesis import given, settings
from hypothesis import strategies as st

from liqbot.market.estimate.entry_to_liquidation import shifts_of
from liqbot.market.estimate.positions import Positions
from liqbot.market.estimate.price_grid import position_of
from liqbot.market.params import EstimateParams

PARAMS = EstimateParams()
HOUR_MS = 3_600_000

# Hours passed before a bar, where it opens (bins from the middle), and the pace from then on.
bars = st.lists(
    st.tuples(st.floats(0.01, 30), st.floats(-700, 700), st.floats(0.2, 5)), min_size=1, max_size=12
)


def fresh() -> Positions:
    positions = positions_with(PARAMS, shifts_of("binance", "BTC", PARAMS))
    positions.centre(position_of(60_000.0))
    return positions


@pytest.mark.drawn(singly=True)
@given(bars, st.booleans())
@settings(max_examples=60, deadline=None)
def test_touched_hazard_is_that_of_every_single_opening(steps: list[tuple[float, float, float]], follow: bool) -> None:
    """However the window moves, mass falls on its far ends, scales are settled and paces change."""
    positions, middle = fresh(), position_of(60_000.0)
    tiers = len(PARAMS.leverages)
    usd, hazard = np.zeros((0, 2, tiers)), np.zeros((0, 2, tiers))
    for hours, away, pace in steps:
        elapsed_ms = int(hours * HOUR_MS)
        gone = positions.closing.hazard(elapsed_ms)
        usd, hazard = usd * positions.closing.kept_share(elapsed_ms), hazard + gone
        positions.decay(elapsed_ms)
        # As far as longs stay below the top of a window that stands still, and shorts above its bottom.
        at = middle + away * (1.0 if follow else 1.9)
        if follow:
            positions.centre(at)
        before = positions.prior_usd()[0]
        # Nothing counts as swept, so that all of it is added.
        open_in(positions, [0], [(at, at + 3.0)], [(1e6, 2e6)], [(at + 5e4, at - 5e4)])
        usd = np.concatenate([usd, (positions.prior_usd()[0] - before)[None]])
        hazard = np.concatenate([hazard, np.zeros((1, 2, tiers))])
        positions.closing.pace = pace
    positions.begin_step()
    # To where no part of an end bin is left.
    touch(positions, 0, int(middle) - 1e5, int(middle) + 1e5 - 1e-9)
    assert positions.state.touched_prior_usd[0] == pytest.approx(usd.sum(axis=0), rel=1e-6)
    assert positions.state.touched_hazard_usd[0] == pytest.approx((usd * hazard).sum(axis=0), rel=1e-6, abs=1e-3)
    assert held(positions) < 1e-3


def held(positions: Positions) -> float:
    return float(sum(positions.line(0, side)[1].sum() for side in (0, 1)))
