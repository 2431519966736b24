"""What is read off a map, and what is followed beside it: clusters, sweeps, rolling price, funding, forced flow."""

import json
import math
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from market_rows import RandomMarket, blocks_of

from liqbot.instruments import Side
from liqbot.market.estimate.array_state import packed, unpacked
from liqbot.market.estimate.price_grid import edges, position_of
from liqbot.market.map.approach import Approach
from liqbot.market.map.clusters import clusters_of
from liqbot.market.map.liquidation_map import LiquidationMap
from liqbot.market.map.sweeps import SweepsFold, SweepStep
from liqbot.market.map.thin_zones import thin_zones_of
from liqbot.market.market import Market
from liqbot.market.observed.bars import BarsFold
from liqbot.market.observed.funding import FundingFold
from liqbot.market.observed.liquidations import ForcedFlow
from liqbot.market.observed.prices import BarColumns
from liqbot.market.observed.sampled_series import SampledSeries
from liqbot.market.observed.waiting_prints import Print
from liqbot.market.params import ClusterParams, MarketParams, RollingParams, SweepParams
from liqbot.market.record import clusters_from, filtered_record, map_from, map_record, thin_zones_from

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000
NAN = float("nan")


def chart(spikes: dict[float, float], mark_price: float = 100.0, ground: float = 1_000.0) -> LiquidationMap:
    """Even ground on both sides within 45 %, and spikes (price -> USD) a few bins wide."""
    first, last = int(position_of(mark_price * 0.55)), int(position_of(mark_price * 1.45))
    table = edges()[first : last + 1]
    middles = (table[:-1] + table[1:]) / 2
    usd = {side: np.where((mark_price - middles) * float(side) > 0, ground, 0.0) for side in Side}
    for price, amount in spikes.items():
        side = Side.LONG if price < mark_price else Side.SHORT
        at = int(position_of(price)) - first
        usd[side][at - 2 : at + 3] += amount / 5
    return LiquidationMap("BTC", 0, mark_price, table, usd[Side.LONG], usd[Side.SHORT])


def test_a_gap_is_a_thin_zone() -> None:
    drawn = chart({})
    gap = (drawn.edges[:-1] > 95.0) & (drawn.edges[1:] < 96.0)
    drawn.long_usd[gap] = 0.0
    zones = thin_zones_of(drawn, Side.LONG, ClusterParams())
    assert len(zones) == 1
    assert 94.9 < zones[0].price_low < 95.2
    assert 95.8 < zones[0].price_high < 96.1


@given(st.floats(61, 99.9), st.floats(61, 99.9), st.floats(1e4, 1e8))
def test_density_percentile_orders_prices_by_density(price: float, spike: float, amount: float) -> None:
    drawn = chart({spike: amount})
    percentile = drawn.density_percentile(Side.LONG, price)
    assert 0 <= percentile <= 100
    assert drawn.density_percentile(Side.LONG, spike) >= percentile - 1e-9
    assert math.isnan(drawn.density_percentile(Side.LONG, 100.5))
    assert math.isnan(chart({}, ground=0.0).density_percentile(Side.LONG, price))


def test_one_price_has_the_density_percentile_that_it_has_among_many() -> None:
    drawn = chart({97.0: 1e6, 90.0: 5e5})
    prices = np.concatenate((drawn.edges, (drawn.edges[0] * 0.5, drawn.edges[-1] * 2.0, 97.0, NAN)))
    for map_ in (drawn, chart({}, ground=0.0)):
        for side in Side:
            alone = [map_.density_percentile(side, price) for price in prices.tolist()]
            np.testing.assert_array_equal(map_.density_percentiles(side, prices), alone)


def step(number: int, low: float, high: float, mark: float, **named: object) -> SweepStep:
    filled = {
        "began_ms": (number - 1) * MINUTE_MS, "time_ms": number * MINUTE_MS, "low_price": low, "high_price": high,
        "mark_price": mark, "price_before": 100.0, "range_pct": 0.5, "volume_ratio": 1.0, "volume_usd": 1e6,
        "split_usd": 1e6, "imbalance_usd": 0.0, "map_at": lambda _time_ms: None,
        "oi_ratio": 1000.0, "oi_ratio_before": 1000.0, "oi_ms": number * MINUTE_MS, "printed": (),
        "highest_oi_ratio": lambda _time_ms: NAN,
        "reported": True,
    }
    return SweepStep(**{**filled, **named})  # type: ignore[arg-type]


def knowing(*prices: float) -> SweepsFold:
    fold = SweepsFold(SweepParams(), 8.0)
    drawn = chart({price: 1e6 * (number + 1) for number, price in enumerate(prices)})
    for side in Side:
        fold.take_clusters(side, 0, clusters_of(drawn, side, ClusterParams()))
    return fold


def test_a_wick_into_a_cluster_and_back_is_a_rejected_sweep() -> None:
    fold = knowing(97.0)
    fold.on_step(step(1, 98.0, 100.0, 98.5))
    assert fold.latest(Side.LONG) is None
    printed = (Print.order(2 * MINUTE_MS, 0, Side.LONG, 5e5), Print.order(2 * MINUTE_MS, 0, Side.SHORT, 9e5))
    fold.on_step(step(2, 96.8, 98.5, 96.9, volume_ratio=5.0, oi_ratio=980.0, printed=printed))
    inside = fold.latest(Side.LONG)
    assert inside is not None
    assert not inside.rejected
    assert (inside.extreme_price, inside.volume_ratio, inside.printed_usd) == (96.8, 5.0, 5e5)
    assert inside.distance_pct == pytest.approx(3.0, abs=0.2)
    fold.on_step(step(3, 96.9, 98.2, 98.0, oi_ratio=970.0, imbalance_usd=4e5))
    fold.on_step(step(4, 98.0, 98.2, 98.1, oi_ratio=970.0, imbalance_usd=2e5))
    after = fold.latest(Side.LONG)
    assert after is not None
    assert after.rejected
    assert after.ended_ms == 3 * MINUTE_MS
    assert after.oi_change_pct == pytest.approx(-3.0)
    assert after.taker_imbalance_after == pytest.approx(0.3)
    assert after.printed_after_usd == 0
    assert fold.latest(Side.SHORT) is None


def test_price_that_settles_beyond_a_cluster_ends_the_sweep_without_rejection() -> None:
    fold = knowing(97.0)
    for number in range(2, 300):
        fold.on_step(step(number, 95.0, 95.2, 95.1))
        fold.take_clusters(Side.LONG, number * MINUTE_MS, ())  # the map holds nothing any more where price has been
    ended = fold.latest(Side.LONG)
    assert ended is not None
    assert not ended.rejected
    assert ended.ended_ms - ended.started_ms == SweepParams().active_ms_max


@pytest.mark.parametrize(
    ("clusters", "usd", "rejected"),
    [((98.0, 96.0), 3e6, True), ((96.0, 98.0), 3e6, True), ((96.0, 104.0, 98.0), 4e6, False)],
)
def test_whatever_clusters_it_goes_through_it_is_one_flush(
    clusters: tuple[float, ...], usd: float, rejected: bool
) -> None:
    fold = knowing(*clusters)
    fold.on_step(step(1, 97.9, 99.0, 97.9, printed=(Print.order(MINUTE_MS // 2, 0, Side.LONG, 3e5),)))
    fold.on_step(step(2, 95.9, 98.0, 96.0, printed=(Print.order(2 * MINUTE_MS, 0, Side.LONG, 4e5),)))
    fold.on_step(step(3, 96.0, 97.0, 97.0, imbalance_usd=5e5))
    (flush,) = fold.kept(Side.LONG)
    assert flush.cluster_usd == pytest.approx(usd, rel=0.1)
    assert flush.price_low < 96.0
    assert flush.price_high > 98.0
    assert (flush.began_ms, flush.started_ms, flush.ended_ms) == (0, MINUTE_MS, 3 * MINUTE_MS)
    assert flush.printed_usd == 7e5
    assert flush.volume_usd == 3e6
    assert flush.taker_imbalance == pytest.approx(5e5 / 3e6)
    assert flush.rejected is rejected  # over the near edge of the farthest that has half the USD of the heaviest


def test_a_cluster_that_the_flush_itself_drowns_is_swept_all_the_same() -> None:
    fold = knowing(97.0)
    fold.on_step(step(1, 99.0, 100.0, 99.0))
    for number in range(1, 40):
        fold.take_clusters(Side.LONG, number * MINUTE_MS, clusters_of(chart({94.0: 9e9}), Side.LONG, ClusterParams()))
    fold.on_step(step(40, 96.7, 99.0, 98.0))
    (flush,) = fold.kept(Side.LONG)
    assert flush.cluster_usd == pytest.approx(1e6, rel=0.1)
    fold.on_step(step(41, 96.7, 99.0, 98.0))
    assert len(fold.kept(Side.LONG)) == 1, "what was swept once is no cluster any more"
    again = SweepsFold(SweepParams(), 8.0)
    again.load_state(msgspec.msgpack.decode(msgspec.msgpack.encode(fold.state())))
    fold.on_step(step(42, 93.5, 99.0, 94.0))
    again.on_step(step(42, 93.5, 99.0, 94.0))
    assert repr(again.state()) == repr(fold.state())
    assert [one.cluster_usd for one in again.kept(Side.LONG)][1] == pytest.approx(9e9, rel=0.1)


@pytest.mark.parametrize("minutes", [3, 40, 300])
def test_open_interest_counts_from_where_the_approach_began_but_not_for_longer_than_the_lookback(minutes: int) -> None:
    fold, asked = knowing(97.0), list[int]()

    def highest(time_ms: int) -> float:
        asked.append(time_ms)
        return 1_000.0

    for number in range(1, minutes + 1):
        price = 100.0 - 2.5 * number / minutes
        fold.on_step(step(number, price, price, price))
    last = minutes + 1
    fold.on_step(step(last, 96.5, 97.5, 96.6, oi_ratio_before=950.0, oi_ratio=940.0, highest_oi_ratio=highest))
    (flush,) = fold.kept(Side.LONG)
    assert asked == [max(flush.approach_ms, flush.began_ms - SweepParams().lookback_ms)]
    assert flush.oi_change_pct == pytest.approx(-6.0)


def test_what_was_there_longer_ago_than_the_lookback_is_forgotten() -> None:
    fold = knowing(97.0)
    fold.on_step(step(1, 99.0, 100.0, 99.0))
    for number in range(1, 80):
        fold.take_clusters(Side.LONG, number * MINUTE_MS, ())
    fold.on_step(step(80, 96.7, 99.0, 98.0))
    assert fold.latest(Side.LONG) is None


def test_clusters_that_adjoin_reject_as_one() -> None:
    fold = SweepsFold(SweepParams(), 8.0)
    wide = chart({97.0: 1e6, 96.6: 1e6, 96.2: 1e6})
    fold.take_clusters(Side.LONG, 0, clusters_of(wide, Side.LONG, ClusterParams()))
    fold.on_step(step(1, 96.0, 100.0, 96.1))
    fold.on_step(step(2, 96.0, 96.9, 96.9))
    (flush,) = fold.kept(Side.LONG)
    assert not flush.rejected, "back over the near edge of all of it, not of its last part"
    fold.on_step(step(3, 96.9, 97.4, 97.3))
    assert fold.kept(Side.LONG)[0].rejected


def test_what_is_told_of_its_first_span_belongs_to_it_and_what_came_before_does_not() -> None:
    fold = knowing(97.0)
    printed = tuple(Print.order(at, 0, Side.LONG, 1e5) for at in (4 * MINUTE_MS, 4 * MINUTE_MS + 1, 5 * MINUTE_MS))
    fold.on_step(step(5, 96.9, 99.0, 98.0, printed=printed, oi_ratio_before=1000.0, oi_ratio=990.0))
    (flush,) = fold.kept(Side.LONG)
    assert flush.rejected
    assert flush.printed_usd == 2e5
    assert flush.oi_change_pct == pytest.approx(-1.0)
    fold.on_step(step(6, 98.0, 99.0, 98.5, oi_ratio=985.0))  # told a minute late
    fold.on_step(step(11, 98.0, 99.0, 98.5, oi_ratio=980.0))
    fold.on_step(step(12, 98.0, 99.0, 98.5, oi_ratio=1200.0))  # what comes later is another matter
    (flush,) = fold.kept(Side.LONG)
    assert flush.oi_change_pct == pytest.approx(-2.0)


def test_zero_printed_is_told_apart_from_nobody_who_reports() -> None:
    heard, unheard = knowing(97.0), knowing(97.0)
    heard.on_step(step(1, 96.9, 99.0, 98.0))
    unheard.on_step(step(1, 96.9, 99.0, 98.0, reported=False))
    assert [fold.kept(Side.LONG)[0].printed_usd for fold in (heard, unheard)] == [0.0, pytest.approx(NAN, nan_ok=True)]


@pytest.mark.parametrize("minutes", [3, 60, 1_200])
def test_the_fuel_is_that_of_the_price_before_the_approach_however_slow(minutes: int) -> None:
    fold, before = knowing(97.0), chart({97.0: 1e6, 94.0: 3e6}, ground=0.0)
    asked: list[int] = []

    def map_at(time_ms: int) -> LiquidationMap:
        asked.append(time_ms)
        return before

    for number in range(1, minutes + 1):
        wiggle = 0.2 if number % 2 else -0.2  # a slow approach does not go straight
        price = 100.0 - 2.5 * number / minutes + (wiggle if 1 < number < minutes else 0.0)
        fold.on_step(step(number, price, price, price))
    fold.on_step(step(minutes + 1, 96.5, 97.5, 96.6, map_at=map_at))
    (flush,) = fold.kept(Side.LONG)
    assert flush.approach_price == pytest.approx(100.0, abs=0.9)
    assert asked == [flush.approach_ms]
    assert flush.fuel_usd == pytest.approx(4e6, rel=0.01)
    assert flush.fuel_spent_usd == pytest.approx(1e6, rel=0.01)
    assert flush.depth_pct == pytest.approx(0.6, abs=0.2)


@given(st.lists(st.integers(-30, 30).filter(bool), min_size=1, max_size=60), st.floats(0.01, 5.0))
def test_approaches_are_mirrored_with_the_market(steps: list[int], range_pct: float) -> None:
    down, up, price = Approach(Side.LONG), Approach(Side.SHORT), 1.0
    for number, permille in enumerate(steps):
        price *= 1.0 + permille / 1_000.0
        down.take(number, price, range_pct)
        up.take(number, 1.0 / price, range_pct)
        # Where rounding decides a tie the two may part; elsewhere they turn at the same step.
        way, back = down.began_price / down.reached_price, price / down.reached_price
        assume(way == 1.0 or abs(back * back / way - 1.0) > 1e-9)
        assume(abs(back / way - 1.0) > 1e-9 or price == down.began_price)
        assume(abs((back - 1.0) * 100.0 / range_pct - 1.0) > 1e-9)
        assert down.began_ms == up.began_ms
        assert down.began_price * up.began_price == pytest.approx(1.0)


def test_late_totals_and_untold_open_interest_are_unknown_not_zero() -> None:
    fold = knowing(97.0)
    fold.on_step(step(100, 96.9, 99.0, 96.9, reported=False, oi_ms=0))
    before = fold.latest(Side.LONG)
    assert before is not None
    assert math.isnan(before.printed_usd)
    assert math.isnan(before.oi_change_pct)
    totals = (Print(301 * MINUTE_MS, 240 * MINUTE_MS, 0, 2.4e6, 0.0),)
    fold.on_step(step(301, 96.9, 97.0, 96.9, reported=False, began_ms=300 * MINUTE_MS, printed=totals))
    after = fold.latest(Side.LONG)
    assert after is not None
    # From the step in which it began (minute 99) to the present one, of four hours.
    assert after.printed_usd == pytest.approx(2.4e6 * 202 / 240)


def bar(close: float, span_ms: int, volume_usd: float) -> BarColumns:
    """One bar of the roster's first venue."""
    row = (0, 0, 0, span_ms, close, close * 1.001, close * 0.999, close, volume_usd, volume_usd / 2, volume_usd / 2)
    return BarColumns.of({0: [row]})


@pytest.mark.drawn(singly=True)
@pytest.mark.parametrize("span_ms", [1_000, MINUTE_MS, HOUR_MS])
def test_bars_of_any_span_read_alike(span_ms: int) -> None:
    fold = BarsFold(RollingParams())
    end_ms = 30 * HOUR_MS
    for time_ms in range(span_ms, end_ms + 1, span_ms):
        price = 100.0 + 0.1 * time_ms / HOUR_MS
        fold.take_bars(bar(price, span_ms, volume_usd=span_ms * 10.0), ("binance",))
        fold.take_mark(10**12 + time_ms, price, price - 0.1 * span_ms / HOUR_MS - 0.05, price + 0.05)
    now_ms = 10**12 + end_ms
    assert fold.volume_ratio == pytest.approx(1.0)
    assert fold.mean_per_minute_usd("binance") == pytest.approx(600_000.0)
    assert fold.return_pct(now_ms, HOUR_MS, 103.0) == pytest.approx(0.1 / 102.9 * 100, rel=0.03)
    assert fold.return_pct(now_ms, DAY_MS, 103.0) == pytest.approx(2.4 / 101.8 * 100, rel=0.01)
    assert fold.range_pct == pytest.approx(0.2, abs=0.03)
    assert fold.trend_pct > 0


@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_acceleration_is_of_the_last_minutes_over_those_before_in_usual_ranges(sign: float) -> None:
    fold = BarsFold(RollingParams())
    for number in range(181):
        price = 100.0 + sign * 0.01 * number
        fold.take_mark(10**12 + number * MINUTE_MS, price, price - 0.05, price + 0.05)
    now_ms, five_ms = 10**12 + 180 * MINUTE_MS, 5 * MINUTE_MS
    steady = fold.acceleration_ratio(now_ms, five_ms, price)
    assert steady == pytest.approx(0.0, abs=0.01), "the same speed all the time"
    usual_pct = fold.range_pct * math.sqrt(5 / 60)
    assert fold.acceleration_ratio(now_ms, five_ms, price * 1.01) == pytest.approx(steady + 1.0 / usual_pct, rel=0.02)
    assert math.isnan(BarsFold(RollingParams()).acceleration_ratio(now_ms, five_ms, 100.0))


def test_four_hour_bars_know_no_hourly_return() -> None:
    fold = BarsFold(RollingParams())
    for number in range(20):
        fold.take_mark(number * 4 * HOUR_MS + 1, 100.0 + number, 99.0, 130.0)
    now_ms = 19 * 4 * HOUR_MS + 1
    assert math.isnan(fold.return_pct(now_ms, HOUR_MS, 119.0))
    assert fold.return_pct(now_ms, DAY_MS, 119.0) == pytest.approx(6 / 116 * 100)


def test_funding_is_scaled_weighted_and_ranked() -> None:
    fold = FundingFold(RollingParams())
    for hour in range(1, 24 * 8):
        fold.take(hour * HOUR_MS, "binance", 0.01, 8.0)
        fold.take(hour * HOUR_MS, "hyperliquid", 0.005, 1.0)
        fold.on_tick(hour * HOUR_MS, {"binance": 3.0, "hyperliquid": 1.0})
        assert math.isnan(fold.means.percentile) == (hour <= 24 * 7)
    assert fold.means.rate_8h_pct == pytest.approx((3 * 0.01 + 0.04) / 4)
    assert fold.means.percentile == pytest.approx(50.0)
    fold.take(24 * 8 * HOUR_MS, "binance", 0.2, 8.0)
    fold.on_tick(24 * 8 * HOUR_MS, {"binance": 3.0, "hyperliquid": 1.0})
    assert fold.means.percentile == pytest.approx((3 * 100 + 50) / 4)  # each within its own history
    assert not fold.take(0, "binance", NAN, 8.0)
    fold.on_tick(24 * 30 * HOUR_MS, {})
    assert math.isnan(fold.means.rate_8h_pct)


def test_forced_flow_of_the_last_hour() -> None:
    fold = ForcedFlow(("okx", "binance"))
    assert all(math.isnan(usd) for usd in fold.last_hour_usd(0))
    fold.take_order(1.0, 10 * HOUR_MS, 0, 1, 500.0)
    fold.take_order(1.0, 10 * HOUR_MS + 30 * MINUTE_MS, 0, -1, 200.0)
    assert fold.last_hour_usd(10 * HOUR_MS + 31 * MINUTE_MS) == (500.0, 200.0)
    assert fold.last_hour_usd(11 * HOUR_MS + MINUTE_MS) == (0.0, 200.0)
    fold.take_totals(1.0, 12 * HOUR_MS, 1, 4 * HOUR_MS, 4e6, 0.0)
    fold.take_order(1.0, 12 * HOUR_MS, 1, 1, 9e9)  # contained in its totals
    assert fold.last_hour_usd(13 * HOUR_MS) == (1e6, 0.0)
    assert not fold.take_order(1.0, 0, 0, 1, NAN)
    assert not fold.take_totals(1.0, 0, 0, 0, 1.0, 1.0)


@given(st.lists(st.tuples(st.integers(0, 10**7), st.floats(-1e9, 1e9)), max_size=50), st.integers(1, 10**6))
def test_history_comes_back_exactly_and_is_bounded(samples: list[tuple[int, float]], step_ms: int) -> None:
    history, again = SampledSeries(step_ms, 10**7), SampledSeries(step_ms, 10**7)
    for time_ms, value in sorted(samples):
        history.add(time_ms, value)
    again.load_state(history.state())
    assert again.state() == history.state()
    assert len(history) <= 10**7 // step_ms + 65


@given(st.lists(st.floats(allow_nan=False), max_size=20), st.integers(0, 5))
def test_arrays_come_back_exactly(values: list[float], zeros: int) -> None:
    array = np.array([0.0] * zeros + values + [0.0] * zeros)
    assert unpacked(msgspec.msgpack.decode(msgspec.msgpack.encode(packed(array)))).tobytes() == array.tobytes()


def assert_both_layers(record: dict[str, Any], market: Market) -> None:
    """The record holds what will be reported beside what is open, and what part of open interest is on neither."""
    told = record["forecast"]
    for horizon_h, bins in told["by_horizon_h"].items():
        forecast = market.forecast("BTC", int(horizon_h))
        assert {len(usd) for usd in bins.values()} == {len(told["edges"]) - 1}
        assert sum(bins["long_usd"]) == pytest.approx(forecast.long_usd.sum(), abs=100)
        assert sum(bins["short_sd_usd"]) == pytest.approx(forecast.short_sd_usd.sum(), abs=100)
        below = np.array(told["edges"][1:]) <= record["mark_price"] * (1 + 1e-6)
        assert np.array(bins["long_usd"])[~below].sum() == np.array(bins["short_usd"])[below].sum() == 0
    venues = [one for one in record["venues"] if one["oi_usd"]]
    held, oi_usd = sum(one["long_usd"] for one in venues), sum(one["oi_usd"] for one in venues)
    assert record["beyond_map_share"]["long"] == pytest.approx(1 - held / oi_usd, abs=1e-4)


def test_forecasts_of_a_view_are_those_of_its_moment() -> None:
    world = RandomMarket(5, span_ms=MINUTE_MS)
    market = Market(MarketParams(), world.roster, "binance")
    first, second = [block for block in blocks_of(world.steps(2), world.roster) if block.tick_ms]
    market.collect(first)
    (view,) = market.on_tick(first.tick_ms or 0)
    assert [one.horizon_h for one in view.forecasts_of()] == [1, 4, 24]
    kept, unread = view.kept(), view.kept(forecasts=False)
    assert unread.forecasts_of() == ()
    market.collect(second)
    market.on_tick(second.tick_ms or 0)
    assert view.forecasts_of() == ()
    assert [one.horizon_h for one in kept.forecasts_of()] == [1, 4, 24]


@pytest.mark.drawn(singly=True)
def test_a_record_survives_json_and_says_what_the_view_says() -> None:
    world = RandomMarket(5, span_ms=MINUTE_MS, volatility_pct=0.5)
    market = Market(MarketParams(), world.roster, "binance")
    for block in blocks_of(world.steps(200), world.roster):
        market.collect(block)
        (view,) = market.on_tick(block.tick_ms or 0)
    record = json.loads(json.dumps(map_record(view, market, split=True), allow_nan=False))
    again = map_from(record)
    for side in Side:
        reach_pct = 45.0 if side is Side.LONG else 81.0
        assert again.total_usd(side) == pytest.approx(view.map.within_usd(side, reach_pct), rel=0.01)
        assert again.within_usd(side, 8.0) == pytest.approx(view.map.within_usd(side, 8.0), rel=0.1)
        split_usd = sum(sum(bins[f"{side.word}_usd"]) for bins in record["by_venue"].values())
        tiers_usd = sum(sum(bins[f"{side.word}_usd"]) for bins in record["by_leverage"].values())
        assert split_usd == pytest.approx(tiers_usd, rel=1e-3)
    clusters = (*view.above.clusters, *view.below.clusters)
    assert [cluster.usd for cluster in clusters_from(record)] == [round(cluster.usd) for cluster in clusters]
    assert thin_zones_from(record) == view.thin_zones
    assert record["asymmetry"] == view.asymmetry == pytest.approx(
        record["fuel_above_usd"] / (record["fuel_above_usd"] + record["fuel_below_usd"])
    )
    of_one = filtered_record(record, market.map_of("BTC", venues=["okx"]), ClusterParams(), {"venues": ["okx"]})
    assert of_one["asymmetry"] == pytest.approx(
        of_one["fuel_above_usd"] / (of_one["fuel_above_usd"] + of_one["fuel_below_usd"]), rel=1e-3
    )
    assert len(json.dumps(map_record(view, market))) < 48_000
    assert of_one["forecast"] is None
    assert_both_layers(record, market)
    with pytest.raises(ValueError, match="no bins"):
        map_from({"mark_price": 1.0})
    with pytest.raises(ValueError, match="ascending edges"):
        map_from(record | {"bins": {"edges": [2, 1], "long_usd": [1], "short_usd": [1]}})
