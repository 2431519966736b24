"""Trust in a venue is 1 until something speaks against it; it is lost quickly, comes back slowly, and what is drawn and
forecast of the venue follows it."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market_rows import START_MS, RandomMarket, blocks_of

from liqbot.instruments import Side
from liqbot.market.market import Market
from liqbot.market.observed.trust import TrustFold
from liqbot.market.params import MarketParams, TrustParams
from liqbot.market.record import map_record
from liqbot.settings import settings_model
from liqbot.venues.registry import VENUES, known_by_inference
from tests.market.test_agreement import House

MINUTE_MS = 60_000
VENUES_READ = ("binance", "bybit", "okx")


def trusting(**params: Any) -> MarketParams:
    return MarketParams(trust=TrustParams(**params))


def folded(params: MarketParams, steps: int = 60) -> tuple[Market, Any]:
    world = RandomMarket(3)
    market, views = Market(params, world.roster, "binance"), ()
    for block in blocks_of(world.steps(steps), world.roster):
        market.collect(block)
        views = market.on_tick(block.tick_ms or 0)
    return market, views[0]


def test_healthy_venues_count_whole_and_only_what_is_known_by_inference_begins_lower() -> None:
    market, view = folded(MarketParams())
    assert {one.trust_weight for one in market.venue_health("BTC", view.time_ms)} == {1.0}
    assert [name for name in VENUES if known_by_inference(name)] == ["apex"]


@pytest.mark.drawn(singly=True)
@pytest.mark.parametrize("weight", [0.0, 0.25, 1.0])
def test_a_weight_of_the_profile_scales_what_the_venue_adds_and_nothing_else(weight: float) -> None:
    (plain, _), (market, view) = folded(MarketParams()), folded(trusting(of_venues={"okx": weight}))
    for venue in VENUES_READ:
        whole, drawn = (one.map_of("BTC", venues=[venue]) for one in (plain, market))
        part = weight if venue == "okx" else 1.0
        for side in Side:
            assert drawn.total_usd(side) == pytest.approx(part * whole.total_usd(side), rel=0.02)
    whole = market.map_of("BTC")
    for side in Side:
        parts = sum(market.map_of("BTC", venues=[venue]).usd(side) for venue in VENUES_READ)
        assert np.allclose(parts, whole.usd(side), rtol=1e-9, atol=1e-6)
    record = map_record(view, market)
    okx = next(one for one in record["venues"] if one["venue"] == "okx")
    assert okx["trust_weight"] == weight
    own, others = weight * okx["raw_share"], 1.0 - okx["raw_share"]
    assert okx["weighted_share"] == pytest.approx(own / (own + others), abs=2e-3)
    assert sum(one["raw_share"] for one in record["venues"]) == pytest.approx(1.0, abs=2e-3)
    # The forecast follows it as well.
    sums = [float(one.long_usd.sum() + one.short_usd.sum()) for one in (m.forecast("BTC", 4) for m in (plain, market))]
    assert sums[1] <= sums[0] * 1.001
    assert weight == 1.0 or sums[1] < sums[0]


@pytest.mark.drawn
def test_quarantine_costs_trust_in_minutes_and_a_day_brings_it_back() -> None:
    house = House().run(30, binance=100.0, bybit=100.1, okx=99.9)
    house.run(320, binance=100.0, bybit=100.1, okx=150.0)
    lost = house.health("okx").trust_weight
    assert lost < 0.45
    assert (house.health("binance").trust_weight, house.health("bybit").trust_weight) == (1.0, 1.0)
    house.run(120, binance=100.0, bybit=100.1, okx=100.0)
    assert house.health("okx").accord == ""
    # It fell on while it had to show that it is back, and hardly rises within minutes.
    least = house.health("okx").trust_weight
    assert 0.2 < least < lost
    house.run(300, binance=100.0, bybit=100.1, okx=100.0)
    assert least < house.health("okx").trust_weight < least + 0.01


@given(st.lists(st.tuples(st.sampled_from(["fine", "quarantined", "silent"]), st.integers(1, 600)), max_size=30))
@settings(max_examples=50, deadline=None)
def test_it_stays_within_its_bounds_falls_faster_than_it_rises_and_a_lone_venue_is_trusted(
    story: list[tuple[str, int]]
) -> None:
    params = TrustParams(weight_min=0.1)
    fold, alone, now_ms = TrustFold(VENUES_READ, params), TrustFold(VENUES_READ, params), START_MS
    for state, minutes in story:
        before, now_ms = fold.weights[2], now_ms + minutes * MINUTE_MS
        bad, mute = ({2} if state == one else set() for one in ("quarantined", "silent"))
        fold.follow((0, 1, 2), bad, mute, {}, now_ms)
        alone.follow((2,), bad, mute, {}, now_ms)
        assert 0.1 <= fold.weights[2] <= 1.0
        assert fold.weights[:2] == [1.0, 1.0]
        assert fold.weights[2] >= before if state == "fine" else fold.weights[2] <= max(before, 0.5)
        assert alone.weights == [1.0, 1.0, 1.0]
    again = TrustFold(VENUES_READ, params)
    again.load_state(fold.state())
    assert (again.weights, again.state()) == (fold.weights, fold.state())
    for _ in range(400):
        now_ms += 3_600_000
        fold.follow((0, 1, 2), (), (), {}, now_ms)
    assert fold.weights[2] == 1.0


def test_volume_that_nobody_holds_costs_trust_beside_others_alone() -> None:
    fold, now_ms = TrustFold(("a", "b", "c"), TrustParams()), START_MS
    for _ in range(100):
        now_ms += MINUTE_MS
        fold.follow((0, 1, 2), (), (), {0: 5.0, 1: 4.0, 2: 400.0}, now_ms)
    assert fold.weights[:2] == [1.0, 1.0]
    assert fold.weights[2] == pytest.approx(20.0 * 5.0 / 400.0, rel=0.02)
    two = TrustFold(("a", "c"), TrustParams())
    two.follow((0, 1), (), (), {0: 5.0, 1: 4_000.0}, START_MS)
    two.follow((0, 1), (), (), {0: 5.0, 1: 4_000.0}, START_MS + 3_600_000)
    assert two.weights == [1.0, 1.0]


@pytest.mark.parametrize(
    ("weights", "words"), [({"htx": 0.5}, "'htx' is none of venues"), ({"okx": 1.5}, "less than or equal to 1")]
)
def test_weights_are_validated(weights: dict[str, float], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        settings_model()(market={"trust": {"of_venues": weights}})
