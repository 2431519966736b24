import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from market_rows import RandomMarket, blocks_of

from liqbot.market.forecast.forecast import BINS, ForecastFold, outward
from liqbot.market.forecast.live_score import LiveTouchScore, SideTouch, deviance, ln
from liqbot.market.market import Market
from liqbot.market.params import ForecastParams, MarketParams, ScoringParams

HOUR_MS = 3_600_000
PARAMS = ForecastParams()


def lived(hours: int, per_bin_usd: float, mapped_usd: float, walk: float = 12.0) -> ForecastFold:
    """Every hour price falls by `walk` grid bins (three forecast bins) and each bin visited gives the same."""
    fold, at = ForecastFold(PARAMS), 20_000.0
    for hour in range(hours):
        fold.count_volume(1e6, HOUR_MS)
        fold.begin_origin(hour * HOUR_MS, at, np.full((2, BINS), mapped_usd))
        fold.on_path(at - walk, at)
        for part in range(int(walk) // 4):
            fold.on_print(0, at - 4.0 * (part + 1), at - 4.0 * part, per_bin_usd)
        at -= walk
    return fold


def test_the_climatology_is_what_a_visited_bin_gives() -> None:
    fold = lived(300, 1_000.0, 0.0)
    usual = fold.climatology_usd(1)
    # Four hours reach twelve bins; farther bins take what the visited ones gave.
    assert usual[:10] == pytest.approx(np.full(10, 1_000.0), rel=0.05)
    assert usual[60] == pytest.approx(1_000.0, rel=0.3)


@pytest.mark.drawn(singly=True)
@pytest.mark.parametrize("mapped_usd", [0.0, 400.0, 1_500.0])
def test_the_sum_is_scaled_to_what_is_really_printed(mapped_usd: float) -> None:
    fold = lived(400, 1_000.0, mapped_usd)
    expected = fold.expected(4, np.full((2, BINS), mapped_usd))
    assert expected[0, :10] == pytest.approx(np.full(10, 1_000.0), rel=0.2)


@pytest.mark.drawn(singly=True)
def test_a_map_that_says_nothing_about_place_gives_way_to_the_climatology() -> None:
    """Orders fall evenly on what price visits; the map puts all its USD where a coin toss says."""
    chance, fold, at = np.random.default_rng(3), ForecastFold(PARAMS), 20_000.0
    for hour in range(400):
        fold.count_volume(1e6, HOUR_MS)
        fold.begin_origin(hour * HOUR_MS, at, chance.exponential(900.0, (2, BINS)) * (chance.random((2, BINS)) < 0.3))
        fold.on_path(at - 12.0, at)
        for part in range(3):
            fold.on_print(0, at - 4.0 * (part + 1), at - 4.0 * part, 1_000.0)
        at -= 12.0
    of_map, of_climate = fold.weights(4)
    # The map held 270 per bin on average.
    assert of_map * 270.0 < 0.1 * 1_000.0
    assert of_climate == pytest.approx(1.0, rel=0.2)


def test_orders_from_the_other_side_of_an_origin_are_not_its_own() -> None:
    fold = ForecastFold(PARAMS)
    fold.begin_origin(0, 100.0, np.zeros((2, BINS)))
    fold.on_print(0, 104.0, 108.0, 1e6)
    fold.on_print(1, 92.0, 96.0, 1e6)
    assert fold._origins[0].printed_usd.sum() == 0
    fold.on_print(0, 92.0, 96.0, 1e6)
    assert fold._origins[0].printed_usd[0, 1] == pytest.approx(1e6)


@given(st.floats(0.0, 3.0), st.sampled_from([0, 1]))
def test_outward_keeps_all_usd_of_a_side(shift: float, side: int) -> None:
    usd = np.zeros(600)
    usd[100:200] = 7.0
    first, position = 1_000.0, 1_300.0 + shift if side == 0 else 1_000.0 + shift
    assert outward(usd, first, position, side).sum() == pytest.approx(700.0)


def test_a_horizon_that_is_not_learnt_is_refused() -> None:
    with pytest.raises(ValueError, match="horizon_h: 5 is not one of 1, 4, 24"):
        ForecastFold(PARAMS).expected(5, np.zeros((2, BINS)))


def test_a_fold_comes_back_exactly() -> None:
    fold, again = lived(60, 1_000.0, 10.0), ForecastFold(PARAMS)
    again.load_state(msgspec.msgpack.decode(msgspec.msgpack.encode(fold.state())))
    assert msgspec.msgpack.encode(again.state()) == msgspec.msgpack.encode(fold.state())


@pytest.mark.drawn
def test_a_market_forecasts_each_horizon_and_says_what_it_promised() -> None:
    world = RandomMarket(4, span_ms=300_000, volatility_pct=0.5)
    market = Market(MarketParams(), world.roster, world.venues[0])
    for block in blocks_of(world.steps(400), world.roster):
        market.collect(block)
        market.on_tick(block.tick_ms or 0)
    for hours in PARAMS.horizons_h:
        forecast = market.forecast("BTC", hours)
        assert forecast.mark_price == market.map_of("BTC").mark_price
        assert forecast.long_usd.shape == forecast.short_usd.shape == (BINS,)
        assert np.isfinite(forecast.long_usd).all()
        assert min(forecast.long_usd.min(), forecast.short_usd.min()) >= 0
        assert forecast.long_usd.sum() > 0
    assert set(market.promised_usd("BTC")) == set(world.venues)


# --- the score ----------------------------------------------------------------------------------------------------


@given(st.floats(1e-12, 1e12))
def test_the_logarithm_is_the_logarithm(x: float) -> None:
    assert ln(x) == pytest.approx(math.log(x), rel=1e-12, abs=1e-12)


@given(st.floats(0, 1e9), st.floats(1e-3, 1e9))
def test_deviance_is_never_negative_and_zero_when_right(printed: float, expected: float) -> None:
    assert deviance(printed, expected) >= -1e-6 * max(printed, expected)
    assert deviance(expected, expected) == pytest.approx(0.0, abs=1e-6 * expected)


def scored(promises: bool) -> float:
    """Bins give 100 or nothing by turns; a map that knows, or one that promises the same everywhere."""
    score = LiveTouchScore(ScoringParams())
    for step in range(500):
        score.fade(60_000)
        printed = 100.0 if step % 4 == 0 else 0.0
        score.count([SideTouch(1.0, (printed * 3.0 if promises else 50.0), printed)])
    return score.skill


def test_a_map_that_knows_scores_and_a_flat_one_does_not() -> None:
    assert scored(promises=True) > 0.8
    assert abs(scored(promises=False)) < 0.05


def test_there_is_no_score_before_anything_was_printed() -> None:
    score = LiveTouchScore(ScoringParams())
    for _ in range(100):
        score.count([SideTouch(1.0, 10.0, 0.0)])
    assert math.isnan(score.skill)
    again = LiveTouchScore(ScoringParams())
    again.load_state(score.state())
    assert again.state() == score.state()
