"""Placebo maps: the mirror image holds what the map held, on the other side; the old one lies at its own prices."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqbot.blocks import Roster
from liqbot.instruments import Side
from liqbot.market.estimate.price_grid import edges
from liqbot.market.map.liquidation_map import LiquidationMap
from liqbot.market.market import Market
from liqbot.market.params import MarketParams
from paper.research.placebo_maps import STALE_MS, MirroredCoin, StaleCoin, mirrored_map, redrawn_map
from paper.research.setup import Setup, ready

BINS = 400
FIRST = int(np.searchsorted(edges(), 60_000.0))


def drawn(mark_bin: int, seed: int, time_ms: int = 0) -> LiquidationMap:
    """Longs below the mark, shorts above it, on the grid's own bins; the mark in the middle of one."""
    own = edges()[FIRST : FIRST + BINS + 1]
    mark_price = float(np.sqrt(own[mark_bin] * own[mark_bin + 1]))
    usd = np.random.default_rng(seed).exponential(1e6, BINS)
    at = np.arange(BINS)
    return LiquidationMap(
        "BTC", time_ms, mark_price, own, np.where(at < mark_bin, usd, 0.0), np.where(at > mark_bin, usd, 0.0)
    )


@given(st.integers(50, 350), st.integers(0, 99), st.floats(0.1, 2.0))
def test_the_mirror_image_holds_the_same_on_the_other_side(mark_bin: int, seed: int, log_pct: float) -> None:
    plain = drawn(mark_bin, seed)
    turned = mirrored_map(plain)
    far = np.exp(log_pct / 100.0)
    for side in Side:
        away = plain.mark_price * (far if side is Side.SHORT else 1.0 / far)
        image = plain.mark_price * plain.mark_price / away
        there = plain.between_usd(side, plain.mark_price, away)
        here = turned.between_usd(side.opposite, plain.mark_price, image)
        assert here == pytest.approx(there, rel=1e-6, abs=1.0)
    back = mirrored_map(turned)
    assert back.edges == pytest.approx(plain.edges)
    assert np.array_equal(back.long_usd, plain.long_usd)


@given(st.integers(50, 350), st.integers(50, 350), st.integers(0, 99))
def test_an_old_map_keeps_its_prices_and_loses_what_price_has_passed(then: int, now: int, seed: int) -> None:
    old, fresh = drawn(then, seed), drawn(now, seed + 1)
    found = redrawn_map(old, fresh)
    assert found.mark_price == fresh.mark_price
    assert not found.long_usd[found.edges[1:] > fresh.mark_price].any()
    assert not found.short_usd[found.edges[:-1] < fresh.mark_price].any()
    below = found.edges[1:] <= fresh.mark_price
    assert np.array_equal(found.long_usd[below], old.long_usd[below])


@pytest.mark.drawn
def test_houses_see_the_placebo_and_everything_read_from_it(setup: Setup) -> None:
    tape, settings = ready(setup)
    markets = {
        kind: Market(MarketParams(), tape.roster, settings.trade_venue, kind) for kind in (MirroredCoin, StaleCoin)
    }
    plain = Market(MarketParams(), Roster(tape.roster.venues, tape.roster.coins), settings.trade_venue)
    compared = waited = 0
    for number, block in enumerate(tape.blocks()):
        if number >= 80:
            break
        for market in (plain, *markets.values()):
            market.collect(block)
        (view,) = plain.on_tick(block.tick_ms or 0)
        mirrored, stale = (market.on_tick(block.tick_ms or 0)[0] for market in markets.values())
        assert mirrored.mark_price == stale.mark_price == view.mark_price
        assert np.array_equal(mirrored.map.short_usd, view.map.long_usd[::-1])
        assert len(mirrored.above.clusters) > 0 or not view.below.clusters
        if view.time_ms < tape.first_ms + STALE_MS:
            assert not stale.below.clusters
            assert stale.below.fuel_usd == 0
            waited += 1
        else:
            compared += stale.below.fuel_usd > 0 and stale.below.fuel_usd != view.below.fuel_usd
    assert waited >= 48
    assert compared
