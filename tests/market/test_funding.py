"""Funding of one coin: each venue in its own history, groups beside each other, and no flicker where nothing moves."""

import itertools
import math
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqbot.blocks import Roster, block_of
from liqbot.events import FundingRate, MarketEvent, MarkPrice, OpenInterest, TradeBar
from liqbot.instruments import FundingStage
from liqbot.market.market import Market
from liqbot.market.observed.funding import FundingFold, median_of, rank_of, weighted_mean
from liqbot.market.observed.settlements import STAMP_TOLERANCE_MS, settlement_ms
from liqbot.market.params import MarketParams, RollingParams
from liqbot.market.record import map_record
from liqbot.venues.parsing import WireBook
from liqbot.venues.registry import VENUES, us_regulated

HOUR_MS = 3_600_000
DAY_H = 24
PARAMS = RollingParams()
OFFSHORE = ("binance", "bybit", "okx")
FORECAST, SETTLEMENT = FundingStage
OI = {"binance": 8e4, "bybit": 3e4, "okx": 2.9e4}
weights = st.floats(1.0, 1e6)


def told(fold: FundingFold, rates: dict[str, float], hours: Sequence[int], oi_usd: dict[str, float] = OI) -> None:
    """Every venue tells its rate per eight hours at each of the hours, which is a clock step."""
    for hour in hours:
        for venue, rate_pct in rates.items():
            assert fold.take(hour * HOUR_MS, venue, rate_pct, 8.0, FORECAST)
        fold.on_tick(hour * HOUR_MS, oi_usd)


def of_venue(fold: FundingFold, venue: str) -> tuple[float, float]:
    return fold.of_venues()[venue]


@given(
    value=st.floats(-1.0, 1.0),
    sizes=st.lists(weights, min_size=1, max_size=8),
    shares=st.lists(st.tuples(st.floats(-1.0, 1.0), weights), min_size=1, max_size=8),
)
def test_the_mean_of_equal_rates_is_that_rate_whatever_they_weigh(value, sizes, shares):
    assert weighted_mean([(value, size) for size in sizes]) == value
    rates = [rate for rate, _ in shares]
    assert min(rates) - 1e-12 <= weighted_mean(shares) <= max(rates) + 1e-12
    assert weighted_mean([(-rate, size) for rate, size in shares]) == -weighted_mean(shares)


@pytest.mark.drawn
@given(sizes=st.lists(st.tuples(weights, weights, weights), min_size=30, max_size=60))
def test_constant_funding_does_not_flicker_while_open_interest_moves(sizes):
    fold = FundingFold(PARAMS)
    calm = [0.01, 0.0101, 0.0099, 0.01]
    for day in range(40):
        told(fold, dict.fromkeys(OFFSHORE, calm[day % 4]), range(day * DAY_H, (day + 1) * DAY_H))
    seen = []
    for hour, size in enumerate(sizes, start=40 * DAY_H):
        told(fold, dict.fromkeys(OFFSHORE, -0.06), [hour], dict(zip(OFFSHORE, size, strict=True)))
        seen.append((fold.means.rate_8h_pct, fold.means.percentile))
    assert {rate for rate, _ in seen} == {-0.06}
    # It slowly becomes usual: from the lowest there is, one way, a few points in days.
    ranks = [rank for _, rank in seen]
    assert all(before <= after for before, after in itertools.pairwise(ranks))
    assert 0.0 <= ranks[0] <= ranks[-1] < 5.0


def test_rates_within_the_tolerance_tie():
    fold = FundingFold(PARAMS)
    told(fold, {"binance": 0.01}, range(8 * DAY_H))
    assert of_venue(fold, "binance") == (0.01, 50.0)
    told(fold, {"binance": 0.01 + PARAMS.funding_tolerance_pct / 2}, [8 * DAY_H])
    assert of_venue(fold, "binance")[1] == 50.0
    told(fold, {"binance": 0.01 + PARAMS.funding_tolerance_pct * 2}, [8 * DAY_H + 1])
    assert of_venue(fold, "binance")[1] == 100.0


def test_each_venue_is_ranked_in_its_own_history():
    """One venue always pays ten times as much as the other: that makes neither extreme."""
    fold = FundingFold(PARAMS)
    for hour in range(10 * DAY_H):
        usual = 0.01 + 0.001 * (hour % 11)
        told(fold, {"binance": usual, "okx": 10 * usual}, [hour])
    binance, okx = of_venue(fold, "binance"), of_venue(fold, "okx")
    assert okx[0] == pytest.approx(10 * binance[0])
    assert okx[1] == pytest.approx(binance[1], abs=5.0)
    told(fold, {"binance": 0.05}, [10 * DAY_H])  # what the other always pays is the most here
    assert of_venue(fold, "binance")[1] == 100.0
    assert 50.0 < fold.means.percentile < 100.0


def test_a_percentile_needs_history_and_a_rate_is_forgotten_when_nobody_tells_it_again():
    fold = FundingFold(PARAMS)
    told(fold, {"binance": 0.01}, range(7 * DAY_H - 2))
    assert math.isnan(of_venue(fold, "binance")[1])
    told(fold, {"binance": 0.01}, range(7 * DAY_H - 2, 7 * DAY_H + 2))
    assert of_venue(fold, "binance")[1] == 50.0
    fold.on_tick((8 * DAY_H + 1) * HOUR_MS, OI)
    assert of_venue(fold, "binance")[0] == 0.01
    fold.on_tick((8 * DAY_H + 2) * HOUR_MS, OI)
    assert fold.of_venues() == {}
    assert math.isnan(fold.means.rate_8h_pct)


@given(
    rates=st.lists(st.sampled_from([0.01, -0.06, 0.02, 0.3]), min_size=2, max_size=30),
    minutes=st.lists(st.integers(1, 30 * 480), max_size=40),
    late_ms=st.integers(0, STAMP_TOLERANCE_MS),
)
def test_steps_between_and_rates_told_again_change_nothing(rates, minutes, late_ms):
    """The history follows from the rates alone, not from when clock steps fell."""
    params = RollingParams(funding_history_ms_min=DAY_H * HOUR_MS)
    plain, busy = FundingFold(params), FundingFold(params)
    steps = sorted(8 * 60 * number * 60_000 for number in range(len(rates)))
    for number, at_ms in enumerate(steps):
        for fold in (plain, busy):
            fold.take(at_ms + late_ms, "binance", rates[number], 8.0, SETTLEMENT)
            fold.on_tick(at_ms + late_ms, OI)
        for minute in sorted(minutes):
            between_ms = at_ms + late_ms + minute * 1_000
            if number + 1 < len(steps) and between_ms < steps[number + 1]:
                if minute % 2:
                    busy.take(between_ms, "binance", rates[number], 8.0, FORECAST)
                busy.on_tick(between_ms, OI)
    end_ms = steps[-1] + 2 * STAMP_TOLERANCE_MS
    for fold in (plain, busy):
        fold.on_tick(end_ms, OI)
    assert busy.of_venues().keys() == plain.of_venues().keys()
    assert busy.means.rate_8h_pct == plain.means.rate_8h_pct
    assert str(busy.means.percentile) == str(plain.means.percentile)


def test_a_settlement_that_is_told_late_does_not_replace_the_forecast_that_follows_it():
    fold = FundingFold(PARAMS)
    fold.take(8 * HOUR_MS + 3, "binance", 0.02, 8.0, FORECAST)
    fold.take(8 * HOUR_MS + 9, "binance", 0.5, 8.0, SETTLEMENT)
    fold.on_tick(8 * HOUR_MS + 9, OI)
    assert fold.means.rate_8h_pct == 0.02


@given(at_ms=st.integers(0, 10**9), interval_h=st.sampled_from([1, 2, 4, 8]), off_ms=st.integers(-90_000, 90_000))
def test_a_stamp_within_a_minute_belongs_to_its_settlement(at_ms, interval_h, off_ms):
    due_ms = at_ms * interval_h * HOUR_MS
    near = abs(off_ms) <= STAMP_TOLERANCE_MS
    assert settlement_ms(due_ms + off_ms, interval_h, SETTLEMENT) == (due_ms if near else None)
    assert settlement_ms(due_ms + off_ms, interval_h, None) == (due_ms if near and off_ms >= 0 else None)
    assert settlement_ms(due_ms + off_ms, interval_h, FORECAST) is None
    between_ms = due_ms + HOUR_MS  # no settlement by this interval, unless it says so itself
    assert (settlement_ms(between_ms, interval_h, None) is None) == (interval_h > 1)
    assert settlement_ms(between_ms, interval_h, SETTLEMENT) == between_ms


def test_funding_by_group_and_their_spread():
    assert {venue for venue in VENUES if us_regulated(venue)} == {"coinbase", "krakenfutures", "cme"}
    assert us_regulated("krakenfutures:coin")
    fold = FundingFold(PARAMS)
    told(fold, {"binance": 0.01, "okx": 0.03, "coinbase": 0.05}, [1], {"binance": 1e4, "okx": 1e4, "coinbase": 1e3})
    means = fold.means
    assert (means.us_8h_pct, means.offshore_8h_pct) == (0.05, pytest.approx(0.02))
    assert means.rate_8h_pct == pytest.approx((0.01 + 0.03 + 0.005) / 2.1)


def test_what_a_fold_was_told_survives_saving():
    fold, again = FundingFold(PARAMS), FundingFold(PARAMS)
    for hour in range(9 * DAY_H):
        told(fold, {"binance": 0.01 * math.sin(hour), "coinbase": 0.02}, [hour])
    again.load_state(msgspec.msgpack.decode(msgspec.msgpack.encode(fold.state())))
    for one in (fold, again):
        told(one, {"binance": 0.004}, [9 * DAY_H])
    assert again.of_venues() == fold.of_venues()
    assert again.means == fold.means


def a_step(hour: int, rates: dict[str, float], cme_price: float | None) -> list[MarketEvent]:
    at_ms = hour * HOUR_MS
    found: list[MarketEvent] = [
        TradeBar(time_ms=at_ms, venue="binance", coin="BTC", span_ms=HOUR_MS, open=100.0, high=100.5, low=99.5,
                 close=100.0, volume_usd=1e6),
        MarkPrice(time_ms=at_ms, venue="binance", coin="BTC", mark_price=100.0, index_price=99.9),
        *(FundingRate(time_ms=at_ms, venue=venue, coin="BTC", rate_pct=rate_pct, interval_h=8.0)
          for venue, rate_pct in rates.items()),
    ]
    if cme_price is not None:
        found.append(OpenInterest(time_ms=at_ms, venue="cme", coin="BTC", oi_usd=1e10))
        found.append(TradeBar(time_ms=at_ms, venue="cme", coin="BTC", span_ms=HOUR_MS, open=cme_price, high=cme_price,
                              low=cme_price, close=cme_price, volume_usd=1e6))
    return found


@pytest.mark.parametrize("cme_price", [100.899, None])
def test_a_view_and_the_record_of_its_map_tell_venues_groups_spread_and_basis(cme_price: float | None):
    roster = Roster(("binance", "coinbase", "cme"), ("BTC",))
    market = Market(MarketParams(), roster, "binance")
    for hour in range(1, 4):
        market.collect(block_of(a_step(hour, {"binance": 0.01, "coinbase": 0.03}, cme_price), roster))
        (view,) = market.on_tick(hour * HOUR_MS)
    assert (view.funding_us_8h_pct, view.funding_offshore_8h_pct) == (0.03, 0.01)
    assert view.funding_spread_pct == pytest.approx(0.02)
    assert (view.funding_of("coinbase"), view.funding_of("binance")) == (0.03, 0.01)
    assert math.isnan(view.funding_of("okx"))
    assert view.us_basis_pct == pytest.approx(1.0, rel=0.01) if cme_price else math.isnan(view.us_basis_pct)
    assert view.map.mark_price == 100.0
    record = map_record(view, market)
    assert record["funding_us_8h_pct"] == 0.03
    assert (record["us_basis_pct"] is None) == (cme_price is None)
    assert next((one["venue"], one["funding_8h_pct"]) for one in record["venues"]) == ("binance", 0.01)


def test_groups_as_the_live_feeds_tell_them():
    """An hour's rate of Kraken (a forecast), of Coinbase (the settlement before) and eight hours' of Deribit."""
    now_ms = 1_775_521_739_000
    kraken = {"feed": "ticker", "product_id": "PF_XBTUSD", "time": now_ms, "relative_funding_rate": 1e-5,
              "next_funding_rate_time": now_ms + 1}
    deribit = {"method": "subscription", "params": {"channel": "ticker.BTC-PERPETUAL.100ms", "data": {
        "instrument_name": "BTC-PERPETUAL", "timestamp": now_ms, "current_funding": 4e-4}}}
    coinbase = {"products": [{"product_id": "BIP-20DEC30-CDE", "future_product_details": {
        "funding_rate": "0.00002", "funding_interval": "3600s", "funding_time": "2026-04-07T00:00:00Z"}}]}
    facts = []
    for venue, message in (("krakenfutures", kraken), ("deribit", deribit), ("coinbase", coinbase)):
        spec = VENUES[venue]
        book = WireBook(venue, spec.examples().contracts)
        read = spec.wire.polls[0].parse(message, book, now_ms) if venue == "coinbase" else \
            spec.wire.parse(msgspec.json.encode(message), book).facts
        facts += [fact for fact in read if isinstance(fact, FundingRate)]
    fold = FundingFold(PARAMS)
    for fact in facts:
        assert fold.take(fact.time_ms, fact.venue, fact.rate_pct, fact.interval_h, fact.rate_stage)
    fold.on_tick(now_ms, {})
    assert fold.means.us_8h_pct == pytest.approx((8 * 1e-3 + 8 * 2e-3) / 2)
    assert fold.means.offshore_8h_pct == pytest.approx(0.04)


RATES = st.integers(-60, 60).map(lambda thousandths: thousandths / 1_000)


@given(history=st.lists(RATES, min_size=1, max_size=60), rate=RATES, tolerance=st.sampled_from((0.0, 0.00025, 0.0021)))
def test_the_mirrored_rate_in_the_mirrored_history_is_as_extreme(
    history: list[float], rate: float, tolerance: float
) -> None:
    ordered, image = sorted(history), sorted(-one for one in history)
    rank = rank_of(rate, ordered, median_of(ordered), tolerance)
    assert 0.0 <= rank <= 100.0
    assert rank_of(-rate, image, median_of(image), tolerance) == pytest.approx(100.0 - rank)
    if rate > max(history) + tolerance:
        assert rank == 100.0


@given(calm=st.integers(2, 200), held=st.integers(1, 400))
def test_an_extreme_rate_that_holds_stays_extreme_until_it_is_the_usual_one(calm: int, held: int) -> None:
    ordered = sorted([0.01] * calm + [0.06] * held)
    rank = rank_of(0.06, ordered, median_of(ordered), PARAMS.funding_tolerance_pct)
    assert (rank == 100.0) == (held <= calm)
