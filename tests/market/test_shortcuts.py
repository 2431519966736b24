"""What the fold takes a short way to is what the long way finds: clusters, shares of bins, prices that need no vote."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liqbot.blocks import DTYPES
from liqbot.instruments import Side
from liqbot.market.estimate.fold_kernels import bins_of, shares_of
from liqbot.market.estimate.price_grid import edges, position_of
from liqbot.market.map.clusters import excess_of
from liqbot.market.map.liquidation_map import LiquidationMap
from liqbot.market.map.thin_zones import ThinZones, nearest_zones, thin_zones_of, turns
from liqbot.market.observed.open_interest import OpenInterestFold
from liqbot.market.observed.outliers import OutlierFilter
from liqbot.market.params import ClusterParams, EstimateParams, MarketParams, RollingParams

BINS = 1_200
FIRST = int(position_of(60_000.0)) - BINS // 2
PARAMS = ClusterParams()


@st.composite
def maps(draw: st.DrawFn) -> LiquidationMap:
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    filled = chance.random((2, BINS)) < draw(st.sampled_from((0.02, 0.3, 1.0)))
    usd = chance.lognormal(12.0, draw(st.sampled_from((0.3, 2.0))), (2, BINS)) * filled
    price = 60_000.0 * draw(st.floats(0.95, 1.05))
    return LiquidationMap("BTC", 0, price, edges()[FIRST : FIRST + BINS + 1], usd[0], usd[1])


def stretches(mask: list[bool]) -> list[int]:
    found = []
    for index, (before, now) in enumerate(zip([False, *mask], [*mask, False], strict=True)):
        if before != now:
            found.append(index)
    return found


@given(st.lists(st.booleans(), min_size=1, max_size=40))
def test_turns_are_where_stretches_start_and_stop(mask: list[bool]) -> None:
    assert turns(np.array(mask)) == stretches(mask)


def windows(chart: LiquidationMap, side: Side) -> list[tuple[float, float]]:
    """(Near edge, excess) of every window, bin by bin."""
    mark, sign = position_of(chart.mark_price), -int(side)
    below = np.concatenate(([0.0], np.cumsum(chart.usd(side))))

    def between(near: int, far: int) -> float:
        ends = np.interp([mark + sign * near, mark + sign * far], FIRST + np.arange(BINS + 1), below)
        return abs(float(ends[1] - ends[0]))

    found = []
    for near in range(501):
        low, high = max(0, near - 60), near + 68
        around = (between(low, near) + between(near + 8, high)) / (high - low - 8)
        usd = (between(near, near + 8) + between(near + 2, near + 6)) / 2
        found.append((float(near), max(0.0, usd - PARAMS.contrast_ratio * 6 * around)))
    return found


@pytest.mark.drawn(singly=True)
@given(maps(), st.sampled_from(Side))
@settings(max_examples=30, deadline=None)
def test_excess_is_what_a_walk_over_the_windows_finds(chart: LiquidationMap, side: Side) -> None:
    wanted = np.array([excess for _, excess in windows(chart, side)])
    assert np.allclose(excess_of(chart, side, PARAMS), wanted, rtol=1e-6, atol=1e-6 * chart.total_usd(side) + 1e-9)


@given(maps())
@settings(max_examples=30, deadline=None)
def test_zones_read_when_asked_are_those_read_at_once(chart: LiquidationMap) -> None:
    below, above = (thin_zones_of(chart, side, PARAMS) for side in (Side.LONG, Side.SHORT))
    zones = ThinZones(chart, PARAMS)
    assert zones() == nearest_zones(below, above, chart.mark_price, PARAMS.thin_kept)
    assert zones() is zones()
    assert repr(zones) == repr(zones())


@given(st.floats(1e3, 1e5), st.floats(1e-3, 300.0))
def test_shares_of_a_range_are_its_overlaps_with_the_bins(low: float, width: float) -> None:
    high = low + width
    count, first = bins_of(low, high), math.floor(low)
    empty, *shares = shares_of(low, high, count + 3).tolist()[: count + 1]
    assert not empty
    assert shares == [
        (min(high, bin_first + 1.0) - max(low, bin_first)) / (high - low)
        for bin_first in range(first, first + len(shares))
    ]
    assert math.isclose(sum(shares), 1.0, rel_tol=1e-9)
    assert first + len(shares) > high - 1e-9


class _Asking(OutlierFilter):
    """Puts every price to the vote."""

    def _together(self, _count: int, _low: float, _high: float) -> tuple[float, float]:
        return math.inf, -math.inf


PRICES = st.sampled_from((100.0, 100.5, 104.0, 109.0, 112.0, 95.0, 40.0, 300.0, math.nan))
STEPS = st.lists(st.lists(st.tuples(st.integers(0, 3), PRICES, st.booleans()), max_size=6), min_size=1, max_size=8)


@pytest.mark.drawn
@given(STEPS)
@settings(max_examples=200, deadline=None)
def test_prices_that_agree_are_believed_as_if_all_had_been_asked(steps: list[list[tuple[int, float, bool]]]) -> None:
    venues = ("a", "b", "c", "aggregate")
    short, asking = OutlierFilter("BTC", venues, 3, MarketParams()), _Asking("BTC", venues, 3, MarketParams())
    for number, told in enumerate(steps, 1):
        time_ms = number * 60_000
        marks = [(time_ms, venue, 0, price, math.nan) for venue, price, bar in told if not bar]
        bars = [
            (time_ms, venue, 0, 60_000, price, price, price, price, 1e6, 5e5, 5e5) for venue, price, bar in told if bar
        ]
        rows = {kind: np.array(told, DTYPES[kind]) for kind, told in (("marks", marks), ("bars", bars))}
        assert repr(short.take(rows, time_ms)) == repr(asking.take(rows, time_ms))
        assert repr(short.prices) == repr(asking.prices)


@given(st.lists(st.tuples(st.sampled_from("abc"), st.floats(1.0, 1e9), st.floats(1e3, 1e5), st.booleans())))
def test_open_interest_is_the_sum_of_what_each_venue_told_last(told: list[tuple[str, float, float, bool]]) -> None:
    fold, amounts = OpenInterestFold(EstimateParams(), RollingParams()), dict[str, tuple[float, float]]()
    for number, (venue, oi_usd, price, restarted) in enumerate(told):
        fold.take(1_000 * number, venue, oi_usd, price)
        if amounts.get(venue, (0.0, 0.0))[0] != oi_usd:  # what is told again is as old as it was
            amounts[venue] = oi_usd, oi_usd / price
        if restarted:
            kept, fold = fold.state(), OpenInterestFold(EstimateParams(), RollingParams())
            fold.load_state(kept)
        assert fold.total_base(price) == sum(amount for _, amount in amounts.values())
