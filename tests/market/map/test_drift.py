import msgspec
import numpy as np
import pytest
from market_rows import RandomMarket, blocks_of

from liqbot.instruments import Side
from liqbot.market.estimate.price_grid import price_at
from liqbot.market.map.drift import drift
from liqbot.market.map.history import MapHistory
from liqbot.market.map.liquidation_map import LiquidationMap
from liqbot.market.market import Market
from liqbot.market.params import ClusterParams, HistoryParams, MarketParams
from liqbot.market.record import map_record

POSITION = 22_000.0
BINS = 1_000


def drawn(mark: float = POSITION, **clusters: float) -> LiquidationMap:
    """A flat map with clusters of 20 bins; `long_40=5e6` holds that much 40 bins below `POSITION`."""
    edges = np.array([price_at(POSITION - BINS + step) for step in range(2 * BINS + 1)])
    usd = {Side.LONG: np.full(2 * BINS, 1e3), Side.SHORT: np.full(2 * BINS, 1e3)}
    for name, amount in clusters.items():
        word, away = name.split("_")
        side = Side.LONG if word == "long" else Side.SHORT
        start = BINS - int(away) - 20 if side is Side.LONG else BINS + int(away)
        usd[side][start : start + 20] += amount / 20
    at = int(mark - POSITION) + BINS
    usd[Side.LONG][at:], usd[Side.SHORT][:at] = 0.0, 0.0
    return LiquidationMap("BTC", 1, price_at(mark), edges, usd[Side.LONG], usd[Side.SHORT])


def changes(before: LiquidationMap, now: LiquidationMap) -> set[tuple[str, str]]:
    return {(one.side.word, one.change) for one in drift(before, now, ClusterParams())}


def test_clusters_form_grow_fade_and_dissolve_where_they_stand() -> None:
    assert changes(drawn(), drawn(long_100=5e6)) == {("long", "formed")}
    assert changes(drawn(short_100=2e6), drawn(short_100=5e6)) == {("short", "grew")}
    assert changes(drawn(short_100=5e6), drawn(short_100=2e6)) == {("short", "faded")}
    assert changes(drawn(short_100=5e6), drawn()) == {("short", "dissolved")}
    assert changes(drawn(long_100=5e6), drawn(mark=POSITION - 200)) == {("long", "swept")}
    assert changes(drawn(long_100=5e6), drawn(long_100=5e6)) == set()
    assert changes(drawn(long_100=5e6), drawn(mark=POSITION + 50, long_100=5e6)) == set()


def test_usd_between_two_prices_is_shared_in_proportion() -> None:
    chart = drawn(long_100=5e6)
    low, high = price_at(POSITION - 121), price_at(POSITION - 99)
    whole = chart.between_usd(Side.LONG, low, high)
    middle = price_at(POSITION - 110)
    parts = chart.between_usd(Side.LONG, low, middle) + chart.between_usd(Side.LONG, middle, high)
    assert parts == pytest.approx(whole)
    assert whole == pytest.approx(5e6, rel=0.01)


def test_history_is_bounded_and_comes_back_as_it_was() -> None:
    params = HistoryParams(step_ms=1_000, kept=5)
    history = MapHistory("BTC", params)
    chart = drawn(long_100=5e6, short_40=2e6)
    for step in range(8):
        assert history.due(step * 1_000)
        history.add(step * 1_000, chart.mark_price, POSITION, POSITION - BINS, (chart.long_usd, chart.short_usd))
        assert not history.due(step * 1_000 + 999)
    maps = history.maps()
    assert [one.as_of_ms for one in maps] == [3_000, 4_000, 5_000, 6_000, 7_000]
    for side in Side:
        assert maps[0].within_usd(side, 15.0) == pytest.approx(chart.within_usd(side, 15.0), rel=0.01)
    kept = history.at(5_500)
    assert kept is not None
    assert kept.as_of_ms == 5_000
    assert history.at(2_999) is None
    again = MapHistory("BTC", params)
    again.load_state(msgspec.msgpack.decode(msgspec.msgpack.encode(history.state())))
    assert again.state() == history.state()


@pytest.mark.drawn
def test_a_record_says_what_the_map_knows_of_itself() -> None:
    world = RandomMarket(7, span_ms=600_000, volatility_pct=0.7)
    market = Market(MarketParams(), world.roster, world.venues[0])
    for block in blocks_of(world.steps(300), world.roster):
        market.collect(block)
        (view,) = market.on_tick(block.tick_ms or 0)
    record = map_record(view, market)
    bins = record["bins"]
    assert len(bins["long_sd_usd"]) == len(bins["long_usd"])
    assert all(sd >= 0 for sd in bins["short_sd_usd"])
    assert any(sd > 0 for sd in bins["short_sd_usd"])
    assert set(record["reporting_shares"]) == set(world.venues)
    assert record["skill"] is None or record["skill"] <= 1.0
    assert len(market.map_history("BTC")) > 50
    assert {change["change"] for change in record["drift"]} <= {"formed", "grew", "faded", "dissolved", "swept"}
