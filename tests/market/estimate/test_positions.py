import numpy as np
import pytest
from estimates import expected_usd, open_in, positions_with, touch
from hypothesis import given, settings
from hypothesis import strategies as st

from liqbot.market.estimate.kernels import BINS, LONG, SHORT
from liqbot.market.estimate.positions import Positions
from liqbot.market.estimate.price_grid import BIN_BPS, edges, position_of, price_at, shift_of
from liqbot.market.params import EstimateParams

PARAMS = EstimateParams()
RATIOS = [1 - 0.9 / leverage for leverage in PARAMS.leverages]
SHIFT = np.array([[shift_of(ratio) for ratio in RATIOS], [shift_of(1 / ratio) for ratio in RATIOS]])

prices = st.floats(1e-3, 1e6)


def fresh(price: float, rows: int = 1) -> Positions:
    positions = positions_with(PARAMS, *[SHIFT] * rows)
    positions.centre(position_of(price))
    return positions


def open_at(positions: Positions, low: float, high: float, long_usd: float = 1e6, short_usd: float = 1e6) -> None:
    at = position_of(low), position_of(high)
    open_in(positions, [0], [at], [(long_usd, short_usd)], [at])


def held(positions: Positions, side: int) -> float:
    return float(positions.line(0, side)[1].sum())


def test_every_edge_is_five_basis_points_above_the_one_before() -> None:
    table = edges()
    assert np.abs((table[1:] / table[:-1] - 1) * 1e4 - BIN_BPS).max() < 1e-9


@given(prices)
def test_a_position_leads_back_to_its_price(price: float) -> None:
    assert price_at(position_of(price)) == pytest.approx(price, rel=1e-12)


@given(prices, st.floats(0.5, 2.0))
def test_a_price_ratio_is_a_constant_shift(price: float, ratio: float) -> None:
    # Inside a bin the table is linear where the logarithm is curved: half of 2.5e-4 bins at most, twice.
    assert position_of(price * ratio) - position_of(price) == pytest.approx(shift_of(ratio), abs=5e-4)


@given(prices, st.floats(0, 5), st.floats(1, 1e9), st.floats(1, 1e9))
def test_what_is_opened_is_held_except_for_what_the_bar_itself_closed(
    price: float, width_pct: float, long_usd: float, short_usd: float
) -> None:
    at = position_of(price), position_of(price * (1 + width_pct / 100))
    whole = fresh(price)
    open_in(whole, [0], [at], [(long_usd, short_usd)], [(at[1] + BINS, at[0] - BINS)])
    assert held(whole, LONG) == pytest.approx(long_usd, rel=1e-9)
    assert held(whole, SHORT) == pytest.approx(short_usd, rel=1e-9)
    swept = fresh(price)
    open_in(swept, [0], [at], [(long_usd, short_usd)], [at])
    for side in (LONG, SHORT):
        start, usd = swept.line(0, side)
        bins = swept.state.first_bin + start + np.arange(len(usd))
        assert usd[(bins > at[0]) & (bins + 1 < at[1])].sum() == 0


@given(prices, st.integers(0, len(RATIOS) - 1), st.sampled_from([LONG, SHORT]))
def test_each_tier_lies_at_its_own_liquidation_price(price: float, tier: int, side: int) -> None:
    positions = fresh(price)
    open_at(positions, price, price)
    start, usd = positions.line(0, side, [tier])
    centre = positions.state.first_bin + start + float((usd * (np.arange(len(usd)) + 0.5)).sum() / usd.sum())
    ratio = RATIOS[tier] if side == LONG else 1 / RATIOS[tier]
    assert price_at(centre) == pytest.approx(price * ratio, rel=6e-4)


@given(prices, st.floats(0, 6), st.floats(0, 6))
def test_touch_leaves_nothing_between_low_and_high(price: float, down_pct: float, up_pct: float) -> None:
    positions = fresh(price)
    open_at(positions, price, price * 1.01)
    before = held(positions, LONG), held(positions, SHORT)
    low, high = price * (1 - down_pct / 100), price * (1.01 + up_pct / 100)
    touch(positions, 0, position_of(low), position_of(high))
    for side, kept_before in enumerate(before):
        start, usd = positions.line(0, side)
        centres = positions.state.first_bin + start + np.arange(len(usd))
        inside = (centres > position_of(low)) & (centres + 1 < position_of(high))
        assert usd[inside].sum() == 0
        # What is gone is what the touch says was force-closed.
        gone_usd = positions.state.touched_usd[0, side].sum()
        assert held(positions, side) + gone_usd == pytest.approx(kept_before, rel=1e-9)


@given(prices, st.lists(st.floats(0.0, 1.0), min_size=1, max_size=6))
def test_a_sweep_in_parts_equals_the_sweep_at_once(price: float, parts: list[float]) -> None:
    slow, fast = fresh(price), fresh(price)
    for positions in (slow, fast):
        open_at(positions, price, price)
    here, last = position_of(price), position_of(price * 0.95)
    for part in [*sorted(parts), 1.0]:
        touch(slow, 0, here + part * (last - here), here)
    touch(fast, 0, last, here)
    assert held(slow, LONG) == pytest.approx(held(fast, LONG), rel=1e-9)


@given(prices, st.integers(1, 14 * 86_400), st.integers(1, 20))
def test_decay_hardly_depends_on_how_time_is_cut(price: float, seconds: int, parts: int) -> None:
    slow, fast = fresh(price), fresh(price)
    for positions in (slow, fast):
        open_at(positions, price, price)
    fast.decay(seconds * 1000 * parts)
    for _ in range(parts):
        slow.decay(seconds * 1000)
    # The low tiers, which hold nearly everything that lasts.
    assert expected_usd(slow)[0, LONG, 0] <= expected_usd(fast)[0, LONG, 0] * (1 + 1e-9)
    if seconds * parts < 86_400:
        assert expected_usd(slow)[0, LONG, 0] == pytest.approx(expected_usd(fast)[0, LONG, 0], rel=0.01)


@given(prices, st.floats(0.4, 2.2))
def test_moving_the_window_keeps_all_mass(price: float, factor: float) -> None:
    positions = fresh(price)
    open_at(positions, price, price * 1.01)
    before = expected_usd(positions).sum()
    positions.centre(position_of(price * factor))
    assert expected_usd(positions).sum() == pytest.approx(before, rel=1e-9)
    assert held(positions, LONG) + held(positions, SHORT) == pytest.approx(before, rel=1e-9)
    assert abs(position_of(price * factor) - positions.state.first_bin - BINS / 2) <= 513


@pytest.mark.drawn(singly=True)
@given(st.lists(st.tuples(st.integers(-60, 60), st.integers(0, 30), st.floats(0, 1e6), st.floats(0, 1e6)), max_size=12))
def test_a_mirrored_market_gives_a_mirrored_estimate(bars: list[tuple[int, int, float, float]]) -> None:
    plain = fresh(1.0)
    # The shifts of the second one are the first one's, sides exchanged and signs turned.
    middle = plain.state.first_bin + BINS / 2
    turned = positions_with(PARAMS, -plain.state.shift[:, 0, ::-1])
    turned.centre(position_of(1.0))
    for move, width, long_usd, short_usd in bars:
        low, high = middle + move + 0.25, middle + move + width + 0.75
        for positions, at, opened in (
            (plain, (low, high), (long_usd, short_usd)),
            (turned, (2 * middle - high, 2 * middle - low), (short_usd, long_usd)),
        ):
            positions.decay(60_000)
            touch(positions, 0, *at)
            open_in(positions, [0], [at], [opened], [at])
    for side in (LONG, SHORT):
        start, usd = plain.line(0, side)
        start_turned, usd_turned = turned.line(0, 1 - side)
        whole, whole_turned = np.zeros(BINS), np.zeros(BINS)
        whole[start : start + len(usd)] = usd
        whole_turned[start_turned : start_turned + len(usd_turned)] = usd_turned
        assert np.allclose(whole, whole_turned[::-1], rtol=1e-9, atol=1e-3)


def test_the_window_reaches_every_tier_wherever_price_stands_in_it() -> None:
    assert max(-SHIFT.min(), SHIFT.max()) < (BINS / 2 - 512)
    positions = fresh(100.0)
    low, high = price_at(positions.state.first_bin + 512), price_at(positions.state.first_bin + BINS - 512)
    assert low < 60 and high > 155  # noqa: PT018 - one statement about one window


@given(prices, st.floats(1, 1e9), st.floats(1e3, 1e7))
def test_a_bound_is_never_exceeded_and_small_mass_is_left_alone(price: float, opened: float, most: float) -> None:
    positions = fresh(price)
    open_at(positions, price, price, opened, opened)
    before = held(positions, LONG)
    positions.bound(np.array([[most, most]]))
    assert held(positions, LONG) == pytest.approx(min(before, most), rel=1e-9)


@pytest.mark.drawn(singly=True)
@given(prices, st.floats(1e4, 1e9), st.floats(0.01, 0.9))
def test_a_bound_is_drawn_and_forgets_nothing(price: float, opened: float, share: float) -> None:
    """Were it taken out of the cells, learning would make up for it, and so erase the older positions."""
    bounded, free = fresh(price), fresh(price)
    for positions in (bounded, free):
        open_at(positions, price, price, opened, opened)
    bounded.bound(np.full((1, 2), held(free, LONG) * share))
    assert held(bounded, LONG) == pytest.approx(held(free, LONG) * share, rel=1e-9)
    again = fresh(price)
    again.state.load_state(bounded.state.packed())
    assert held(again, LONG) == held(bounded, LONG)
    for positions in (bounded, free):
        positions.begin_step()
        touch(positions, 0, position_of(price * 0.97), position_of(price))
    assert np.array_equal(bounded.state.touched_usd, free.state.touched_usd)
    bounded.bound(np.full((1, 2), np.inf))
    assert held(bounded, LONG) == held(free, LONG)


@given(prices, st.lists(st.tuples(st.floats(-0.03, 0.03), st.integers(1, 4 * 3_600_000)), min_size=1, max_size=20))
@settings(max_examples=30)
def test_running_sums_agree_with_the_cells_and_state_comes_back_exactly(
    price: float, moves: list[tuple[float, int]]
) -> None:
    positions = fresh(price)
    for move, elapsed_ms in moves:
        after = price * (1 + move)
        positions.centre(position_of(after))
        positions.decay(elapsed_ms)
        touch(positions, 0, position_of(min(price, after)), position_of(max(price, after)))
        open_at(positions, min(price, after), max(price, after))
        price = after
    cells = [positions.line(0, side)[1].sum() for side in (LONG, SHORT)]
    assert expected_usd(positions)[0].sum(axis=1) == pytest.approx(cells, rel=1e-6, abs=1e-3)
    assert min(positions.line(0, side)[1].min() for side in (LONG, SHORT)) >= 0
    again = positions_with(PARAMS)
    again.state.load_state(positions.state.packed())
    assert again.state.packed() == positions.state.packed()


def test_one_venue_costs_at_most_a_megabyte_and_a_half() -> None:
    positions = fresh(60_000.0)
    fields = [getattr(positions.state, name) for name in positions.state.__struct_fields__]
    arrays = [value for value in fields if isinstance(value, np.ndarray)]
    assert sum(array.nbytes for array in arrays) <= 1.5e6
