import math
import random

import msgspec
import numpy as np
import pytest
from estimates import calibration_with, closing_fit, expected_usd, open_in, positions_with, touch
from hypothesis import given, settings
from hypothesis import strategies as st
from market_rows import RandomMarket

from liqbot.blocks import block_of
from liqbot.market.estimate.calibration import Order
from liqbot.market.estimate.closing_rate_fit import ClosingRateFit
from liqbot.market.estimate.entry_to_liquidation import shifts_of
from liqbot.market.estimate.price_grid import position_of
from liqbot.market.market import Market
from liqbot.market.params import CalibrationParams, EstimateParams, MarketParams
from liqbot.market.record import map_record
from liqbot.market.view import MarketView

PARAMS = CalibrationParams()
ESTIMATE = EstimateParams()
TIERS = len(ESTIMATE.leverages)
MINUTE_MS = 60_000
ORDER_USD = 50_000.0

seeds = st.integers(0, 2**32)


class Crowd:
    """Two estimates of the same openings on Binance: the real one closes at `pace`, the modelled one as it learns."""

    def __init__(self, seed: int, pace: float = 1.0, told: float = 0.3, *, in_sums: bool = False) -> None:
        self.chance, self.told, self.in_sums = random.Random(seed), told, in_sums
        shifts = shifts_of("binance", "BTC", ESTIMATE)
        self.real, self.modelled = positions_with(ESTIMATE, shifts), positions_with(ESTIMATE, shifts)
        self.real.closing.pace = pace
        self.calibration = calibration_with(PARAMS, TIERS, True)
        self.learner = closing_fit(PARAMS, self.modelled.closing)
        self.price, self.step, self.unsaid = 60_000.0, 0, np.zeros(2)

    def run(self, steps: int) -> None:
        for _ in range(steps):
            self.minute()

    def minute(self) -> None:
        first = self.price
        self.price *= 1.0 + self.chance.gauss(0.0, 0.0012)
        at = position_of(min(first, self.price)), position_of(max(first, self.price))
        for positions in (self.real, self.modelled):
            positions.begin_step()
            positions.centre(at[0])
            positions.decay(MINUTE_MS)
            touch(positions, 0, *at)
            open_in(positions, [0], [at], [(1e6, 1e6)], [at])
        orders, sums = self._say(self.real.state.touched_prior_usd[0].sum(axis=1) * self.told)
        self.calibration.on_step(self.modelled.state.touched_prior_usd, orders, sums, MINUTE_MS)
        self.modelled.state.multiplier = self.calibration.multiplier()
        touched = self.modelled.state
        self.learner.on_step(
            touched.touched_prior_usd, touched.touched_hazard_usd, orders, sums, self.calibration, MINUTE_MS
        )
        self.step += 1

    @property
    def pace(self) -> float:
        return self.modelled.closing.pace

    def _say(self, usd: np.ndarray) -> tuple[list[Order], list[tuple[list[int], float, float]]]:
        counts = [self._poisson(mean) for mean in (usd / ORDER_USD).tolist()]
        if not self.in_sums:
            return [(0, side, ORDER_USD) for side in (0, 1) for _ in range(counts[side])], []
        self.unsaid += counts
        if self.step % 60:
            return [], []
        said, self.unsaid = (self.unsaid * ORDER_USD).tolist(), np.zeros(2)
        return [], [([0], *said)]

    def _poisson(self, mean: float) -> int:
        count, left = 0, self.chance.expovariate(1.0)
        while left < mean:
            count, left = count + 1, left + self.chance.expovariate(1.0)
        return count


@pytest.mark.long
@given(seeds, st.sampled_from([0.3, 1.0, 3.0]))
@settings(max_examples=4, deadline=None)
def test_the_pace_of_a_crowd_is_found(seed: int, pace: float) -> None:
    """Within a prior of 1: some 40 hours of one venue bring it a good part of the way, in the logarithm."""
    crowd = Crowd(seed, pace)
    crowd.run(2_500)
    found = math.log(crowd.pace)
    if pace == 1.0:
        assert abs(found) < 0.3
    else:
        assert 0.25 < found / math.log(pace) < 1.2


@pytest.mark.long
@pytest.mark.parametrize("pace", [0.3, 3.0])
def test_sums_by_the_hour_tell_a_little_of_it(pace: float) -> None:
    crowd = Crowd(7, pace, in_sums=True)
    crowd.run(2_500)
    assert 0.02 < math.log(crowd.pace) / math.log(pace) < 1.0


@pytest.mark.long
def test_it_draws_the_map_nearer_to_the_real_one() -> None:
    crowd = Crowd(3, 0.2)
    crowd.run(2_500)
    as_assumed = Crowd(3, 0.2)
    as_assumed.learner = closing_fit(CalibrationParams(closing_rate_weight=1e9), as_assumed.modelled.closing)
    as_assumed.run(2_500)
    assert as_assumed.pace == pytest.approx(1.0, abs=1e-3)
    off = [
        np.abs(np.log(expected_usd(one.modelled)[0] / (one.real.prior_usd()[0] * one.told))).mean()
        for one in (crowd, as_assumed)
    ]
    assert off[0] < 0.7 * off[1]


def test_nothing_told_teaches_nothing() -> None:
    crowd = Crowd(1, told=0.0)
    crowd.run(500)
    assert crowd.pace == 1.0


@pytest.mark.long
@given(st.floats(0.05, 1.0))
@settings(max_examples=3, deadline=None)
def test_how_much_is_told_does_not_matter(told: float) -> None:
    crowd = Crowd(5, told=told)
    crowd.run(1_500)
    assert crowd.pace == pytest.approx(1.0, rel=0.3)


@pytest.mark.long
@given(st.integers(10, 5_000), st.booleans())
@settings(max_examples=3, deadline=None)
def test_one_cascade_moves_it_little(orders: int, old: bool) -> None:
    """A thousand orders of one stretch are one event: what is promised in it may be wrong as a whole."""
    crowd = Crowd(11)
    crowd.run(1_000)
    before = crowd.pace
    touched = np.zeros((1, 2, TIERS))
    touched[0, 0, 5] = 1e6
    hazard = touched * (2.0 if old else 0.0)
    crowd.learner.on_step(touched, hazard, [(0, 0, ORDER_USD)] * orders, [], crowd.calibration, MINUTE_MS)
    for _ in range(60):
        crowd.learner.on_step(touched * 0.0, touched * 0.0, [], [], crowd.calibration, MINUTE_MS)
    assert 0.5 < crowd.pace / before < 2.0


@pytest.mark.drawn(singly=True)
@given(seeds, st.booleans())
@settings(max_examples=3, deadline=None)
def test_it_stays_within_bounds_and_finite_whatever_is_told(seed: int, in_sums: bool) -> None:
    chance = random.Random(seed)
    crowd = Crowd(seed, in_sums=in_sums)
    crowd.run(300)
    for _ in range(300):
        usd = np.array([[[10.0 ** chance.uniform(-6, 11) for _ in range(TIERS)] for _ in range(2)]])
        hazard = usd * 10.0 ** chance.uniform(-6, 3)
        orders = [(0, chance.randrange(2), 10.0 ** chance.uniform(-3, 11)) for _ in range(chance.randrange(4))]
        crowd.calibration.on_step(usd, orders, [], 300_000)
        crowd.learner.on_step(usd, hazard, orders, [], crowd.calibration, 300_000)
        assert 0.12 < crowd.pace < 7.8


@pytest.mark.drawn(dear=True)
@given(seeds, st.integers(1, 200), st.booleans())
@settings(max_examples=3, deadline=None)
def test_it_comes_back_exactly_and_goes_on_alike(seed: int, steps: int, in_sums: bool) -> None:
    crowd, other = (Crowd(seed, 0.5, in_sums=in_sums) for _ in range(2))
    crowd.run(400 + steps)
    other.run(400 + steps)
    positions = positions_with(ESTIMATE)
    positions.state.load_state(other.modelled.state.packed())
    restored = closing_fit(PARAMS, positions.closing)
    restored.state.load_state(other.learner.state.packed())
    restored.set_pace()
    other.learner, other.modelled = restored, positions
    crowd.run(200)
    other.run(200)
    assert msgspec.msgpack.encode(other.learner.state.packed()) == msgspec.msgpack.encode(crowd.learner.state.packed())
    assert other.modelled.state.packed() == crowd.modelled.state.packed()


def sums(learner: ClosingRateFit) -> tuple[float, float]:
    slope, curvature = learner.state.evidence.tolist()
    return slope, curvature


@pytest.mark.drawn(singly=True)
def test_silence_in_a_history_teaches_nothing() -> None:
    crowd = Crowd(2)
    crowd.run(1_000)
    slope, curvature = sums(crowd.learner)
    touched = np.full((1, 2, TIERS), 1e7)
    for _ in range(24):
        crowd.learner.on_step(touched, touched * 2.0, [], [], crowd.calibration, 300_000, history=True)
    after = sums(crowd.learner)
    assert after[1] < curvature  # two hours older, and nothing but that
    assert after[0] / after[1] == pytest.approx(slope / curvature)


@pytest.mark.drawn(singly=True)
def test_silence_while_watching_is_news() -> None:
    crowd = Crowd(2)
    crowd.run(1_000)
    touched = np.full((1, 2, TIERS), 1e7)
    before = crowd.pace
    for _ in range(24):
        crowd.learner.on_step(touched, touched * 2.0, [], [], crowd.calibration, 300_000)
    assert crowd.pace > before * 1.05


@pytest.mark.long
@pytest.mark.parametrize("first", [[([0], 0.0, 0.0)], [([0], 0.0, 0.0)] * 2])
def test_a_venue_that_was_in_a_sum_teaches_by_its_own_orders(first: list[tuple[list[int], float, float]]) -> None:
    """An `aggregate` contains the venues that have told nothing yet: their first order takes them out of it."""
    crowd, other = Crowd(4, 0.3), Crowd(4, 0.3)
    for told in first:
        nothing = np.zeros((1, 2, TIERS))
        other.learner.on_step(nothing, nothing, [], [told], other.calibration, MINUTE_MS)
    for one in (crowd, other):
        one.run(2_500)
    assert crowd.pace < 0.75
    assert other.pace == pytest.approx(crowd.pace, rel=0.1)


@pytest.mark.long
@pytest.mark.parametrize("promise", [0.02, 0.1, 0.5, 5.0])
def test_what_comes_as_promised_is_no_evidence_however_little_is_promised(promise: float) -> None:
    """Old stock promises one order a stretch, new stock `promise`; both are told as promised."""
    crowd = Crowd(9)
    crowd.run(1_000)
    learner, calibration, chance = crowd.learner, crowd.calibration, random.Random(9)
    slope = 0.0
    for step in range(4_000):
        mean, hazard = ((1.0, 1.0), (promise, 0.1))[step % 2]
        touched = np.zeros((1, 2, TIERS))
        touched[0, 0, 5] = mean * calibration.grain_usd() / calibration.promise()[0, 5]
        before = sums(learner)
        count = sum(chance.random() < mean / 50.0 for _ in range(50))
        orders = [(0, 0, ORDER_USD)] * count
        learner.on_step(touched, touched * hazard, orders, [], calibration, 300_000)
        after = sums(learner)
        if after[1] > before[1]:
            # At pace 1 the centre is 0: what is added to the slope is the evidence itself.
            learner.state.pace_log_ratio, learner.state.stood[:] = 0.0, 0.0
            slope += after[0] - before[0]
    assert abs(slope) < 0.15 * sums(learner)[1] + 20.0


@pytest.mark.drawn(dear=True)
@given(seeds)
@settings(max_examples=2, deadline=None)
def test_the_market_learns_and_tells_it(seed: int) -> None:
    """Venues that tell orders, sums and both; one trades late."""
    world = RandomMarket(seed, venues=("binance", "bybit", "hyperliquid", "okx"), volatility_pct=0.5)
    market, again = (Market(MarketParams(), world.roster, "binance") for _ in range(2))
    views: tuple[MarketView, ...] = ()
    for number, (time_ms, happened) in enumerate(world.steps(500)):
        told = [one for one in happened if number > 100 or one.venue != "okx"]
        market.collect(block_of(told, world.roster, tick_ms=time_ms))
        views = market.on_tick(time_ms, reading=number == 499)
    pace = market.closing_pace("BTC")
    assert pace != 1.0
    assert 0.12 < pace < 7.8
    assert map_record(views[0], market)["closing_pace"] == round(pace, 3)
    again.load_state(msgspec.msgpack.decode(msgspec.msgpack.encode(market.state())))
    assert again.closing_pace("BTC") == pace
    assert msgspec.msgpack.encode(again.state()) == msgspec.msgpack.encode(market.state())
