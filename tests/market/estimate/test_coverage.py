import numpy as np
import pytest
from estimates import reported_positions
from hypothesis import given, settings
from hypothesis import strategies as st
from told_market import EVERYTHING, NONE, random_with_snapshots

from liqbot.market.estimate.coverage import coverage, rest_share, room_usd
from liqbot.market.estimate.kernels import DISTANCES
from liqbot.market.estimate.reported_positions import ReportedPositions
from liqbot.market.market import Market
from liqbot.market.params import CalibrationParams, EstimateParams, MarketParams

MARK = 30_000.0
FAR = float(DISTANCES[-1])
seeds = st.integers(0, 2**32)


def held_and_told(seed: int) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    """Modelled USD [side, tier, class], and positions told out to twice as far as the classes go."""
    chance = np.random.default_rng(seed)
    held = chance.exponential(1e6, (2, 9, len(DISTANCES) - 1)) * (chance.random((2, 9, len(DISTANCES) - 1)) < 0.5)
    told = [
        (MARK + sign * chance.uniform(0, 2 * FAR, 40), chance.pareto(1.2, 40) * 1e6 + 1e3) for sign in (-1.0, 1.0)
    ]
    return held, told


@given(seeds, st.floats(0.0, 1.0), st.floats(0.0, 1.0))
def test_all_tiers_together_keep_exactly_what_is_not_covered(seed: int, long: float, short: float) -> None:
    held, told = held_and_told(seed)
    share = rest_share(held, told, MARK, (long, short))
    assert ((share >= 0) & (share <= 1 + 1e-9)).all()
    for side, covered in enumerate((long, short)):
        by_tier = held[side].sum(axis=1)
        assert (share[side] * by_tier).sum() == pytest.approx((1 - covered) * by_tier.sum(), rel=1e-9, abs=1e-3)


def test_a_tier_near_which_nothing_is_told_keeps_more() -> None:
    held = np.zeros((2, 2, len(DISTANCES) - 1))
    held[:, 0, -1] = held[:, 1, 0] = 1e6
    far = (np.array([MARK - FAR + 1]), np.array([5e5]))
    share = rest_share(held, [far, NONE], MARK, (0.25, 0.25))
    assert share[0].tolist() == pytest.approx([0.5, 1.0])
    assert share[1].tolist() == [0.75, 0.75]


@given(seeds, st.floats(1e5, 1e10), st.floats(0.01, 1.0))
def test_told_and_modelled_positions_are_never_more_than_is_open(seed: int, oi_usd: float, leveraged: float) -> None:
    _, told = held_and_told(seed)
    covers = coverage(told, MARK, oi_usd, leveraged)
    for side, (position, size) in enumerate(told):
        near = np.abs(position - MARK) < FAR
        near_usd, far_usd = float(size[near].sum()), float(size[~near].sum())
        room = room_usd(near_usd, far_usd, oi_usd, leveraged)
        assert 0 <= covers.of_oi[side] <= 1
        assert 0 <= covers.of_leveraged[side] <= 1
        assert room == 0 or near_usd + far_usd + room <= oi_usd * (1 + 1e-9)
        assert room <= leveraged * oi_usd


def test_without_open_interest_a_snapshot_is_of_everything() -> None:
    assert coverage([NONE, NONE], MARK, 0.0, 0.6) == EVERYTHING


@pytest.mark.drawn
@given(seeds)
@settings(max_examples=4, deadline=None)
def test_a_venue_s_map_never_holds_more_than_its_open_interest(seed: int) -> None:
    world, blocks = random_with_snapshots(seed)
    market = Market(MarketParams(), world.roster, "binance")
    for block in blocks:
        market.collect(block)
        market.on_tick(block.tick_ms or 0)
        for one in market.venue_health("BTC", block.tick_ms or 0):
            assert max(one.long_usd, one.short_usd) <= one.oi_usd * (1 + 1e-9) or not one.oi_usd > 0


# --- whose an order is ------------------------------------------------------------------------------------------------


def reached(told_usd: float, modelled_usd: float) -> ReportedPositions:
    """A long of that size was reached, where the model promised so much."""
    told = reported_positions(EstimateParams(), CalibrationParams())
    told.replace(0, [(np.array([990.5]), np.array([told_usd])), NONE], 1_000.0, EVERYTHING, 0)
    told.begin_step()
    told.touch(0, 990.0, 1_000.0, 0)
    told.expect(np.array([[modelled_usd, modelled_usd]]), np.ones(1), 60_000)
    return told


@given(st.floats(1e6, 1e8), st.floats(0.0, 1e7), st.floats(1e3, 1e8))
def test_an_order_is_of_told_and_modelled_positions_as_was_expected_of_either(
    told_usd: float, modelled_usd: float, order_usd: float
) -> None:
    told = reached(told_usd, modelled_usd)
    promised_usd = told_usd * told.ratio
    before = told.state.sums.copy()
    told.count([(0, 0, order_usd), (0, 1, order_usd)])
    own = 0.0 if order_usd < 0.1 * told_usd else promised_usd / (modelled_usd + promised_usd)
    found = (told.state.sums - before).tolist()
    assert found == pytest.approx([own * order_usd, 0.0, own, own * order_usd], rel=1e-6), "no short was reached"
