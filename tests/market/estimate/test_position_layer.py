"""What is drawn as open: how it follows from what prints, from the distance, and from open interest."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liqbot.market.estimate.calibration import Calibration
from liqbot.market.estimate.closing_rate import ClosingRate
from liqbot.market.estimate.entry_to_liquidation import shifts_of
from liqbot.market.estimate.kernels import LONG, SHORT, Floats
from liqbot.market.estimate.position_layer import PositionLayer
from liqbot.market.estimate.positions import Positions
from liqbot.market.estimate.price_grid import BIN_BPS, position_of
from liqbot.market.estimate.state import EstimateState
from liqbot.market.params import CalibrationParams, EstimateParams, PositionLayerParams

ESTIMATE, LAYER = EstimateParams(), PositionLayerParams()
PRICE = 100.0
NONE = 0.0, 0.0
TIERS = range(len(ESTIMATE.leverages))
usd = st.floats(1e5, 1e9)


def layer_of(
    long_usd: float, short_usd: float, oi_usd: float = float("inf"), *, covered: float = 0.0,
    params: PositionLayerParams = LAYER,
) -> tuple[PositionLayer, EstimateState]:
    """One venue whose positions were all opened at `PRICE`, where its mark is."""
    state = EstimateState.empty(len(ESTIMATE.smear_factors), np.array(ESTIMATE.leverage_mix))
    state.add_venue(0, shifts_of("binance", "BTC", ESTIMATE), 0.2, complete=True, silent=False)
    positions = Positions(state.positions, ClosingRate(ESTIMATE.leverages, ESTIMATE.close_h))
    at = position_of(PRICE)
    positions.centre(at)
    entries = np.array([[at], [at]])
    positions.open(np.array([0]), entries, np.array([[long_usd, short_usd]]), entries)
    state.mark[0], state.oi_usd[0], state.room_usd[0] = at, oi_usd, ESTIMATE.leveraged_share * (1 - covered) * oi_usd
    calibration = Calibration(CalibrationParams(), state.calibration)
    return PositionLayer(params, ESTIMATE.leveraged_share, state, calibration), state


def total(layer: PositionLayer, side: int, covered: float = 0.0) -> float:
    return float(layer.lines(0, layer.learnt(), (covered, covered))[side][1].sum())


def held_by(layer: PositionLayer, tier: int) -> float:
    return float(layer.lines(0, layer.learnt(), NONE, [tier])[LONG][1].sum())


def bins_of(state: EstimateState, span: tuple[int, Floats]) -> tuple[Floats, Floats]:
    """(Distance from the mark in per cent, USD) of each bin that holds any."""
    start, held = span
    middle = state.positions.first_bin + start + np.arange(len(held)) + 0.5
    return np.abs(middle - state.mark[0])[held > 0] * BIN_BPS / 100, held[held > 0]


@given(usd, usd)
@settings(max_examples=20)
def test_more_is_open_than_prints_the_farther_price_has_to_come(long_usd: float, short_usd: float) -> None:
    layer, state = layer_of(long_usd, short_usd)
    as_printing, _ = layer_of(long_usd, short_usd, params=PositionLayerParams(leaving_ratio=0.0))
    for side in (LONG, SHORT):
        away_pct, held = bins_of(state, layer.lines(0, layer.learnt(), NONE)[side])
        printing = bins_of(state, as_printing.lines(0, as_printing.learnt(), NONE)[side])[1]
        expected = 1.0 + LAYER.leaving_ratio * away_pct / (away_pct + LAYER.leaving_half_pct)
        assert held / printing == pytest.approx(expected, rel=1e-9)


@pytest.mark.drawn
@given(usd, usd, usd, st.floats(0, 1), st.lists(st.sampled_from(TIERS), min_size=1, unique=True))
@settings(max_examples=40)
def test_tiers_add_up_to_the_whole(
    long_usd: float, short_usd: float, oi_usd: float, covered_share: float, some: list[int]
) -> None:
    layer, _ = layer_of(long_usd, short_usd, oi_usd)
    covered = covered_share, covered_share / 2
    whole = layer.lines(0, layer.learnt(), covered)
    others = [tier for tier in TIERS if tier not in some]
    parts = [layer.lines(0, layer.learnt(), covered, tiers) for tiers in (some, others)]
    for side in (LONG, SHORT):
        both = parts[0][side][1] + parts[1][side][1]
        assert both == pytest.approx(whole[side][1], rel=1e-9, abs=1e-6)


@given(usd, usd, usd, st.floats(0, 1))
@settings(max_examples=40)
def test_no_side_holds_more_than_open_interest_leaves_beside_what_is_measured(
    long_usd: float, short_usd: float, oi_usd: float, covered_share: float
) -> None:
    layer, _ = layer_of(long_usd, short_usd, oi_usd, covered=covered_share)
    for side in (LONG, SHORT):
        most_usd = ESTIMATE.leveraged_share * (1 - covered_share) * oi_usd
        assert total(layer, side, covered_share) <= most_usd * (1 + 1e-9)


@pytest.mark.drawn(singly=True)
@given(usd, usd, usd, st.floats(1, 100))
@settings(max_examples=40)
def test_more_open_interest_never_draws_less(
    long_usd: float, short_usd: float, oi_usd: float, factor: float
) -> None:
    before, after = layer_of(long_usd, short_usd, oi_usd)[0], layer_of(long_usd, short_usd, oi_usd * factor)[0]
    for side in (LONG, SHORT):
        assert total(after, side) >= total(before, side) * (1 - 1e-9)


def test_what_a_few_large_orders_printed_beyond_the_cap_is_forecast_and_not_drawn_in_every_bin() -> None:
    layer, state = layer_of(1e6, 1e6)
    calibration, before = Calibration(CalibrationParams(), state.calibration), total(layer, LONG)
    forecast = calibration.multiplier()
    state.calibration.tail_ratio = 2.0
    assert total(layer, LONG) == before > 0
    assert calibration.multiplier() == pytest.approx(2.0 * forecast)


def test_before_any_forced_order_the_open_share_of_open_interest_is_drawn() -> None:
    layer, _ = layer_of(1e9, 1e9, 1e9)
    assert total(layer, LONG) + total(layer, SHORT) == pytest.approx(2 * LAYER.open_share * 1e9)


def test_what_was_open_before_the_watch_began_is_not_drawn_as_seen() -> None:
    layer, state = layer_of(1e8, 1e8, 1e9)
    seen = state.seen_share(0, ESTIMATE.leveraged_share)
    assert seen == 1.0
    state.unseen_rows.append(0)
    state.unseen_usd[0] = 1e8 / len(TIERS)
    assert state.seen_share(0, ESTIMATE.leveraged_share) == pytest.approx(0.5)
    assert total(layer, LONG) + total(layer, SHORT) == pytest.approx(LAYER.open_share * 1e9)


def test_learnt_tiers_keep_the_size_that_forced_orders_give_them() -> None:
    layer, state = layer_of(1e6, 1e6, 1e12)
    suggested = layer_of(1e6, 1e6)[0]
    tier, other = 5, 0
    state.calibration.expected[0, tier] = 1e9
    state.calibration.reported[0] = 1e6, 1e9, 1e6
    assert held_by(layer, tier) == pytest.approx(held_by(suggested, tier), rel=0.01)
    assert held_by(layer, other) > 4 * held_by(suggested, other)
