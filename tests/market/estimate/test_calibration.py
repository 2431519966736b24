import random

import msgspec
import numpy as np
import pytest
from estimates import calibration_with
from hypothesis import given, settings
from hypothesis import strategies as st
from market_rows import RandomMarket, blocks_of

from liqbot.blocks import EventBlock
from liqbot.market.estimate.calibration import Calibration
from liqbot.market.market import Market
from liqbot.market.params import CalibrationParams, MarketParams

PARAMS = CalibrationParams()
TIERS = 4
MINUTE_MS = 60_000

seeds = st.integers(0, 2**32)


def fresh(complete: tuple[bool, ...] = (True, False)) -> Calibration:
    return calibration_with(PARAMS, TIERS, *complete)


def crowd(seed: int, calibration: Calibration, real: np.ndarray, shares: tuple[float, ...], steps: int = 3000) -> None:
    """Every step touches one tier of every row; orders of 1,000 USD come as `real[tier]` and the row's share say."""
    chance = random.Random(seed)
    for _ in range(steps):
        tier, touched = chance.randrange(TIERS), np.zeros((len(shares), 2, TIERS))
        orders = []
        for row, share in enumerate(shares):
            touched[row, chance.randrange(2), tier] = 10_000.0
            side = int(touched[row].sum(axis=1).argmax())
            hits = sum(chance.random() < real[tier] * share for _ in range(10))
            orders += [(row, side, 1_000.0)] * hits
        calibration.on_step(touched, orders, (), MINUTE_MS)


@pytest.mark.long
@given(seeds)
@settings(max_examples=6)
def test_known_weights_and_reporting_shares_are_found(seed: int) -> None:
    real = np.array([0.8, 0.4, 0.2, 0.1])
    calibration = fresh()
    crowd(seed, calibration, real, (1.0, 0.4))
    found = calibration.multiplier()[0]
    assert found == pytest.approx(real, rel=0.3, abs=0.03)
    assert calibration.state.reporting[0] == 1.0
    assert calibration.state.reporting[1] == pytest.approx(0.4, rel=0.25)
    assert calibration.state.level[1] == pytest.approx(calibration.state.level[0], rel=0.25)


@pytest.mark.drawn
def test_without_a_complete_feed_the_best_one_is_the_floor() -> None:
    calibration = fresh((False, False))
    crowd(1, calibration, np.full(TIERS, 0.5), (0.8, 0.2))
    assert calibration.state.reporting[0] == pytest.approx(1.0, abs=0.05)
    assert calibration.state.reporting[1] == pytest.approx(0.25, rel=0.3)


@pytest.mark.drawn
def test_a_venue_that_tells_nothing_is_found_out() -> None:
    calibration = fresh((True, False))
    crowd(2, calibration, np.full(TIERS, 0.5), (1.0, 0.0))
    assert calibration.state.reporting[1] == 0.0
    assert calibration.state.level[1] == pytest.approx(calibration.state.level[0])


def test_before_any_order_was_heard_the_prior_ratio_stands() -> None:
    assert fresh().multiplier() == pytest.approx(np.full((2, TIERS), PARAMS.level_ratio))


def test_silence_in_a_history_says_nothing_of_who_tells() -> None:
    """Venues give past bars and open interest, and hardly ever past forced orders."""
    calibration = fresh((True, False))
    touched = np.full((2, 2, TIERS), 10_000.0)
    for _ in range(500):
        calibration.on_step(touched, (), (), MINUTE_MS, history=True)
    assert calibration.multiplier() == pytest.approx(np.full((2, TIERS), PARAMS.level_ratio))
    assert calibration.state.reporting.tolist() == [1.0, 1.0]
    live = fresh((True, False))
    for one in (calibration, live):
        crowd(5, one, np.full(TIERS, 0.5), (1.0, 0.4), steps=200)
    assert calibration.multiplier() == pytest.approx(live.multiplier(), rel=0.02)
    assert calibration.state.reporting == pytest.approx(live.state.reporting, rel=0.02)


@pytest.mark.drawn(singly=True)
def test_a_history_with_forced_orders_teaches_who_tells() -> None:
    calibration = fresh((True, False))
    touched = np.full((2, 2, TIERS), 10_000.0)
    orders = [(0, side, 1_000.0) for side in (0, 1) for _ in range(20)]
    for _ in range(300):
        calibration.on_step(touched, orders, (), MINUTE_MS, history=True)
    assert calibration.multiplier()[0] == pytest.approx(np.full(TIERS, 0.5), rel=0.1)


def test_what_nothing_was_expected_of_teaches_nothing() -> None:
    calibration = fresh()
    before = msgspec.msgpack.encode(calibration.state.packed())
    calibration.on_step(np.zeros((2, 2, TIERS)), [(0, 0, 5e6)], [((1,), 1e6, 0.0)], MINUTE_MS)
    assert msgspec.msgpack.encode(calibration.state.packed()) == before


@pytest.mark.long
def test_one_whale_hardly_moves_the_weights() -> None:
    plain, struck = fresh(), fresh()
    for calibration in (plain, struck):
        crowd(3, calibration, np.full(TIERS, 0.5), (1.0, 0.4))
    touched = np.zeros((2, 2, TIERS))
    touched[0, 0, 3] = 10_000.0
    struck.on_step(touched, [(0, 0, 3e6)], (), MINUTE_MS)
    assert struck.state.weights == pytest.approx(plain.state.weights, rel=0.02)
    assert 1.0 < struck.state.tail_ratio <= PARAMS.tail_ratio_max


def test_sums_over_hours_are_compared_with_all_that_was_touched_since() -> None:
    calibration = fresh((False,))
    touched = np.zeros((1, 2, TIERS))
    touched[0, 0] = 1_000.0
    for step in range(2_000):
        due = step % 60 == 59
        calibration.on_step(touched, (), [((0,), 60 * TIERS * 1_000.0 * 0.3, 0.0)] if due else (), MINUTE_MS)
    assert calibration.multiplier()[0] == pytest.approx(np.full(TIERS, 0.3), rel=0.1)


@given(seeds)
@settings(max_examples=10)
def test_what_was_learnt_comes_back_exactly_and_goes_on_alike(seed: int) -> None:
    calibration, again = fresh(), fresh(())
    crowd(seed, calibration, np.full(TIERS, 0.3), (1.0, 0.5), steps=40)
    again.state.load_state(msgspec.msgpack.decode(msgspec.msgpack.encode(calibration.state.packed())))
    for one in (calibration, again):
        crowd(seed + 1, one, np.full(TIERS, 0.6), (1.0, 0.5), steps=20)
    assert msgspec.msgpack.encode(again.state.packed()) == msgspec.msgpack.encode(calibration.state.packed())


@pytest.mark.drawn
def test_the_market_learns_from_the_orders_it_is_told() -> None:
    world = RandomMarket(4, volatility_pct=0.6)
    market = Market(MarketParams(), world.roster, world.venues[0])
    for block in blocks_of(world.steps(400), world.roster):
        market.collect(block)
        market.on_tick(block.tick_ms or 0)
    calibration = market._coins[0].estimator.calibration
    # Orders of 10,000 USD against touches of millions: far less is there than the prior says.
    assert calibration.sample_size() > 20
    assert calibration.multiplier().max() < 0.5
    assert (calibration.state.weights > 0).all()


@pytest.mark.drawn
def test_a_history_without_forced_orders_leaves_the_score_and_the_forecast_to_the_live_feed() -> None:
    world = RandomMarket(6, volatility_pct=0.6)
    market = Market(MarketParams(), world.roster, world.venues[0])
    for block in blocks_of(world.steps(600), world.roster):
        told = {kind: getattr(block, kind) for kind in ("bars", "open_interest", "funding")}
        market.collect(EventBlock(tick_ms=block.tick_ms, backfilled=True, **told))
        market.on_tick(block.tick_ms)
    assert market.map_of("BTC").long_usd.sum() > 0
    skill, ratio = market.map_skill("BTC")
    assert np.isnan([skill, ratio]).all()
    assert set(market.reporting_shares("BTC").values()) == {1.0}
    assert market.forecast("BTC", 4).long_usd.sum() > 0, "the map stands for itself"
