"""Clusters: found where they are, continuous in the map, true to the mirror, measured at their own distance."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liqbot.instruments import Side
from liqbot.market.estimate.price_grid import edges, position_of, price_at
from liqbot.market.estimate.spread import Spread
from liqbot.market.map.clusters import (
    clusters_in,
    clusters_of,
    excess_of,
    first_within,
    near_edge_price,
    nearest_price,
    spans_of,
    windows_of,
)
from liqbot.market.map.liquidation_map import LiquidationMap
from liqbot.market.map.usual_sizes import UsualSizes
from liqbot.market.params import ClusterParams

PARAMS = ClusterParams()
BINS = 1_300
FIRST = int(position_of(60_000.0)) - BINS // 2
HOUR_MS = 3_600_000
SPREAD = Spread(1e4, 0.5)
SIDES = (Side.LONG, Side.SHORT)


def chart(long_usd: np.ndarray, short_usd: np.ndarray, spread: Spread = SPREAD) -> LiquidationMap:
    """The mark lies on the edge in the middle."""
    return LiquidationMap(
        "BTC", 0, price_at(FIRST + BINS / 2), edges()[FIRST : FIRST + BINS + 1], long_usd, short_usd, spread=spread
    )


def piled(*piles: tuple[Side, int, float], ground: float = 1_000.0) -> LiquidationMap:
    """Even ground on both sides; a pile (side, bins from the mark, USD) is four bins wide."""
    usd = {Side.LONG: np.zeros(BINS), Side.SHORT: np.zeros(BINS)}
    usd[Side.LONG][: BINS // 2] = usd[Side.SHORT][BINS // 2 :] = ground
    for side, away, amount in piles:
        start = BINS // 2 - away - 4 if side is Side.LONG else BINS // 2 + away
        usd[side][start : start + 4] += amount / 4
    return chart(usd[Side.LONG], usd[Side.SHORT])


@st.composite
def maps(draw: st.DrawFn) -> LiquidationMap:
    chance = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    usd = chance.lognormal(12.0, draw(st.sampled_from((0.3, 2.0))), (2, BINS))
    usd *= chance.random((2, BINS)) < draw(st.sampled_from((0.1, 1.0)))
    usd[0, BINS // 2 :] = usd[1, : BINS // 2] = 0.0
    return chart(*usd)


@given(st.sampled_from(SIDES), st.integers(10, 490), st.floats(1e5, 1e9))
def test_a_pile_is_found_where_it_is(side: Side, away: int, amount: float) -> None:
    first, *others = clusters_of(piled((side, away, amount)), side, PARAMS)
    assert not others
    assert first.price_low <= first.peak_price <= first.price_high
    assert position_of(first.peak_price) == pytest.approx(FIRST + BINS / 2 - int(side) * (away + 2), abs=0.1)
    assert first.usd == pytest.approx(amount + 8_000, rel=0.01)
    assert clusters_of(piled((side, away, amount)), Side(-side), PARAMS) == ()


def test_even_ground_and_an_empty_map_have_none() -> None:
    for ground in (0.0, 1_000.0):
        assert clusters_of(piled(ground=ground), Side.LONG, PARAMS) == ()


@given(maps(), st.sampled_from(SIDES), st.integers(0, 2**32 - 1), st.floats(1e-6, 10.0))
@settings(max_examples=40)
def test_a_small_change_of_the_map_is_a_small_change_of_what_stands_out(
    one: LiquidationMap, side: Side, seed: int, size: float
) -> None:
    change = np.random.default_rng(seed).normal(0.0, size * 1e5, BINS) * (one.usd(side) > 0)
    usd = {word: one.usd(word) for word in SIDES} | {side: np.maximum(one.usd(side) + change, 0.0)}
    other = chart(usd[Side.LONG], usd[Side.SHORT])
    moved = float(np.abs(one.usd(side) - other.usd(side)).sum())
    before, after = excess_of(one, side, PARAMS), excess_of(other, side, PARAMS)
    assert np.abs(before - after).max() <= moved * (1 + 1e-6) + 1e-3
    assert abs(before.max() - after.max()) <= moved * (1 + 1e-6) + 1e-3


@given(maps(), st.sampled_from(SIDES), st.integers(-40, 40))
@settings(max_examples=40)
def test_a_mirrored_map_has_mirrored_clusters(one: LiquidationMap, side: Side, remembered: int) -> None:
    turned = chart(one.short_usd[::-1].copy(), one.long_usd[::-1].copy())
    usual = UsualSizes(PARAMS)
    for number in range(PARAMS.history_count_min):
        usual.remember(number * HOUR_MS, *(np.full(501, 1e6 + remembered) for _ in SIDES))
    found, mirrored = clusters_of(one, side, PARAMS, usual.now()), clusters_of(turned, Side(-side), PARAMS, usual.now())
    twice = 2 * position_of(one.mark_price)
    assert len(found) == len(mirrored)
    for ours, other in zip(found, mirrored, strict=True):
        assert other.usd == pytest.approx(ours.usd, rel=1e-6)
        assert other.ratio == pytest.approx(ours.ratio, rel=1e-5)
        assert other.real_share == pytest.approx(ours.real_share, rel=1e-5)
        assert position_of(other.peak_price) == pytest.approx(twice - position_of(ours.peak_price), abs=1e-2)


@given(maps(), st.sampled_from(SIDES))
@settings(max_examples=40)
def test_clusters_do_not_overlap_and_come_most_outstanding_first(one: LiquidationMap, side: Side) -> None:
    usual = UsualSizes(PARAMS)
    for number in range(PARAMS.history_count_min):
        usual.remember(number * HOUR_MS, np.full(501, 1e6), np.full(501, 1e6))
    found = clusters_of(one, side, PARAMS, usual.now())
    assert len(found) <= PARAMS.kept
    assert [one.ratio for one in found] == sorted((one.ratio for one in found), reverse=True)
    edges_of = sorted((position_of(one.price_low), position_of(one.price_high)) for one in found)
    for (_, high), (low, _) in itertools.pairwise(edges_of):
        assert low >= high - 1e-6


@given(maps(), st.sampled_from(SIDES), st.floats(0.0, 30.0))
@settings(max_examples=40)
def test_clusters_made_when_asked_for_are_those_made_at_once(one: LiquidationMap, side: Side, reach_pct: float) -> None:
    usual = UsualSizes(PARAMS)
    for number in range(PARAMS.history_count_min):
        usual.remember(number * HOUR_MS, np.full(501, 1e6), np.full(501, 1e6))
    at_once = clusters_of(one, side, PARAMS, usual.now())
    later = clusters_in(windows_of(one, side, PARAMS), one, side, PARAMS, usual.now())
    usual.remember(99 * HOUR_MS, np.full(501, 9e6), np.full(501, 9e6))  # what comes after changes nothing
    within = [cluster for cluster in at_once if cluster.distance_pct <= reach_pct]
    assert first_within(later, reach_pct) == first_within(at_once, reach_pct) == (within[0] if within else None)
    assert repr(nearest_price(later)) == repr(nearest_price(at_once))
    assert list(spans_of(later)) == [(one.price_low, one.price_high) for one in at_once] == list(spans_of(at_once))
    assert not at_once or nearest_price(later) in [near_edge_price(cluster) for cluster in at_once]
    assert (later[-1:], later[:2], len(later), repr(later)) == (at_once[-1:], at_once[:2], len(at_once), repr(at_once))
    assert tuple(later) == at_once
    assert not later or later[0] is later[0]


def test_a_cluster_is_measured_against_what_usually_stands_out_at_its_distance() -> None:
    usual = UsualSizes(PARAMS)
    common = piled(*((side, away, usd) for side in SIDES for away, usd in ((50, 2e7), (200, 1e8))))
    for number in range(PARAMS.history_count_min):
        assert clusters_of(common, Side.LONG, PARAMS, usual.now())[0].ratio != 1.0
        usual.remember((number + 1) * HOUR_MS, *(excess_of(common, side, PARAMS) for side in SIDES))
    far, near = clusters_of(common, Side.LONG, PARAMS, usual.now())
    assert 0.5 < far.ratio < 2.0
    assert 0.3 < near.ratio < 2.0
    larger = piled((Side.LONG, 50, 8e7), (Side.LONG, 200, 1e8))
    (grown,) = [one for one in clusters_of(larger, Side.LONG, PARAMS, usual.now()) if one.distance_pct < 5]
    assert grown.ratio == pytest.approx(4.0 * near.ratio, rel=0.2)


def test_usual_sizes_follow_the_scale_of_the_map_and_come_back_as_they_were() -> None:
    usual, again = UsualSizes(PARAMS), UsualSizes(PARAMS)
    usual.scale = 2.0
    for number in range(PARAMS.history_count_min):
        assert np.isnan(usual.at(Side.LONG, 50.0))
        usual.remember((number + 1) * HOUR_MS, np.full(501, 4e6), np.full(501, 2e6))
    assert [usual.at(side, 50.0) for side in SIDES] == [pytest.approx(4e6), pytest.approx(2e6)]
    usual.scale = 1.0
    assert [usual.at(side, 50.0) for side in SIDES] == [pytest.approx(2e6), pytest.approx(1e6)]
    again.load_state(usual.state())
    assert (again.at(Side.SHORT, 200.0), again.state()) == (usual.at(Side.SHORT, 200.0), usual.state())


@given(st.floats(1e4, 1e8), st.floats(1e4, 1e8))
def test_the_more_it_holds_for_its_spread_the_likelier_a_cluster_is_real(small: float, large: float) -> None:
    """Where all that is unsure is how many positions there are."""
    chances = []
    for amount in sorted((small, large)):
        drawn = piled((Side.SHORT, 100, amount))
        drawn = chart(drawn.long_usd, drawn.short_usd, Spread(1e5, 0.0))
        chances.append(clusters_of(drawn, Side.SHORT, PARAMS)[0].real_share)
    assert 0.5 < chances[0] <= chances[1] < 1.0
    assert np.isnan(clusters_of(chart(drawn.long_usd, drawn.short_usd, Spread()), Side.SHORT, PARAMS)[0].real_share)
