"""A venue whose price leaves the others is left out until it is back; one that is early is not, and where nobody knows
which is wrong nothing is entered."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market_rows import START_MS, RandomMarket, blocks_of

from liqbot.blocks import DTYPES, EventBlock, Roster, block_of
from liqbot.engine import Engine, Step
from liqbot.events import FeedDown, FeedUp, Liquidation, MarketEvent, MarkPrice, OpenInterest
from liqbot.execution.params import ExecutionParams
from liqbot.instruments import AGGREGATE, Side
from liqbot.market.market import Market
from liqbot.market.observed.outliers import OutlierFilter
from liqbot.market.params import AgreementParams, MarketParams
from liqbot.market.view import MarketView
from liqbot.risk.limits import RiskLimits
from liqbot.risk.pre_trade_checks import PRE_TRADE_CHECKS
from liqbot.signals.registry import signal_model

CANDLES = Path(__file__).parents[3] / "shared" / "data" / "series" / "candles.parquet"
VENUES = ("binance", "bybit", "okx")
PARAMS = MarketParams()
SECOND_MS = 1_000


class House:
    """An engine fed a second at a time with marks, open interest and forced orders of each venue."""

    def __init__(self, venues: tuple[str, ...] = VENUES, params: MarketParams = PARAMS) -> None:
        self.roster = Roster(venues, ("BTC",))
        self.params = params
        self.engine = self.fresh()
        self.steps: list[Step] = []
        self.blocks: list[EventBlock] = []
        self.now_ms = START_MS

    def fresh(self) -> Engine:
        return Engine(
            roster=self.roster, journal_id="abcdef", instruments={}, trade_venue=self.roster.venues[0],
            market=self.params, signals=signal_model(())(), limits=RiskLimits(), execution=ExecutionParams(),
        )  # fmt: skip

    def run(self, seconds: int, **prices: float) -> "House":
        """Every venue named gives its price each second, and tells open interest of 1,000 coin at it; an underscore
        stands for the colon of its key."""
        for _ in range(seconds):
            self.now_ms += SECOND_MS
            happened: list[MarketEvent] = []
            for name, price in prices.items():
                at = {"time_ms": self.now_ms, "venue": name.replace("_", ":"), "coin": "BTC"}
                happened += [
                    MarkPrice(**at, mark_price=price, index_price=price), OpenInterest(**at, oi_usd=price * 1_000),
                    Liquidation(**at, side=Side.LONG, price=price, size_usd=1_000.0),
                ]
            block = block_of(happened, self.roster, tick_ms=self.now_ms)
            self.blocks.append(block)
            self.steps.append(self.engine.on_block(block))
        return self

    @property
    def news(self) -> list[FeedUp | FeedDown]:
        return [fact for step in self.steps for fact in step.feeds]

    @property
    def view(self) -> MarketView:
        return self.engine.views[0]

    def health(self, venue: str) -> Any:
        return {one.venue: one for one in self.engine.market.venue_health("BTC", self.now_ms)}[venue]


def refusals(view: MarketView) -> set[str]:
    """Of the checks that look at prices of several venues alone."""
    class Context:
        pass

    context: Any = Context()
    context.view = view
    return {
        code.value for code, check in PRE_TRADE_CHECKS
        if code in ("PRICE_QUARANTINED", "PRICE_DISPUTED", "DEPEG") and check(context) is not None
    }


@pytest.mark.drawn(singly=True)
@pytest.mark.parametrize("factor", [10.0, 0.1, 1.2, 0.93])
def test_a_venue_apart_is_left_out_whole_reported_once_and_back_by_itself(factor: float) -> None:
    house = House().run(30, binance=100.0, bybit=100.1, okx=99.9)
    house.run(60, binance=100.0, bybit=100.1, okx=99.9 * factor)
    (down,) = house.news
    assert isinstance(down, FeedDown)
    assert (down.venue, down.feed) == ("okx", "price")
    assert "quarantined" in down.reason
    assert house.health("okx").accord == "quarantined"
    before = house.health("okx")
    house.run(30, binance=101.0, bybit=101.1, okx=99.9 * factor)
    after = house.health("okx")
    assert (after.mark_price, after.oi_usd) == (before.mark_price, before.oi_usd)
    assert after.rejected == before.rejected + 30 * 3  # mark, open interest and forced order of every second
    assert house.view.map.mark_price == pytest.approx(101.0, rel=0.01)
    assert refusals(house.view) == set()
    house.run(59, binance=101.0, bybit=101.1, okx=101.0)
    assert house.health("okx").accord == "quarantined"
    house.run(5, binance=101.0, bybit=101.1, okx=101.0)
    assert [type(one) for one in house.news] == [FeedDown, FeedUp]
    assert (house.health("okx").accord, house.health("okx").mark_price) == ("", 101.0)


def test_what_a_venue_prints_at_an_impossible_price_does_not_count_even_before() -> None:
    """Neither its open interest nor its forced orders, from the first second on."""
    house = House().run(30, binance=100.0, bybit=100.1, okx=99.9)
    before = house.view.liquidated_long_1h_usd, house.health("okx").oi_usd
    house.run(5, okx=999.0)
    assert (house.view.liquidated_long_1h_usd, house.health("okx").oi_usd) == before
    assert house.news == []


@pytest.mark.drawn(dear=True)
def test_one_that_swings_at_the_edge_neither_leaves_nor_returns_all_the_time() -> None:
    house = House().run(30, binance=100.0, bybit=100.1, okx=100.0)
    for _ in range(30):
        house.run(5, binance=100.0, bybit=100.1, okx=105.4).run(5, binance=100.0, bybit=100.1, okx=104.6)
    assert house.news == []
    house.run(30, binance=100.0, bybit=100.1, okx=106.0)
    for _ in range(30):
        house.run(5, binance=100.0, bybit=100.1, okx=104.0).run(5, binance=100.0, bybit=100.1, okx=101.0)
    assert [type(one) for one in house.news] == [FeedDown]


def test_the_traded_venue_in_quarantine_enters_nothing() -> None:
    house = House().run(30, binance=100.0, bybit=100.1, okx=99.9).run(40, binance=120.0, bybit=100.1, okx=99.9)
    assert refusals(house.view) == {"PRICE_QUARANTINED"}


@pytest.mark.drawn(singly=True)
def test_of_two_venues_nobody_knows_which_is_wrong() -> None:
    house = House(VENUES[:2]).run(30, binance=100.0, bybit=100.1).run(60, binance=100.0, bybit=130.0)
    assert sorted(one.venue for one in house.news) == ["binance", "bybit"]
    assert {house.health(venue).accord for venue in VENUES[:2]} == {"disputed"}
    assert refusals(house.view) == {"PRICE_DISPUTED"}
    house.run(70, binance=100.0, bybit=100.1)
    assert refusals(house.view) == set()
    assert [type(one) for one in house.news[2:]] == [FeedUp, FeedUp]


def test_of_four_that_split_in_halves_neither() -> None:
    house = House(("binance", "bybit", "okx", "gate"))
    house.run(30, binance=100.0, bybit=100.0, okx=100.0, gate=100.0)
    house.run(60, binance=100.0, bybit=100.0, okx=107.0, gate=107.0)
    assert {one.venue for one in house.news} == {"binance", "bybit", "okx", "gate"}
    assert refusals(house.view) == {"PRICE_DISPUTED"}


@pytest.mark.drawn(dear=True)
def test_the_one_that_is_left_goes_by_its_own_physics_alone() -> None:
    house = House(VENUES[:2]).run(30, binance=100.0, bybit=100.1).run(60, binance=100.0, bybit=130.0)
    house.run(200, binance=100.0)
    assert refusals(house.view) == set()
    assert house.view.mark_price == 100.0
    alone = House(VENUES[:1]).run(30, binance=100.0).run(30, binance=140.0)
    assert (alone.news, refusals(alone.view), alone.view.mark_price) == ([], set(), 140.0)


def test_a_frozen_venue_is_the_one_that_is_left_out_when_the_others_crash() -> None:
    house = House().run(30, binance=100.0, bybit=100.0, okx=100.0)
    for number in range(60):
        price = 100.0 - 0.3 * number
        house.run(1, binance=price, bybit=price * 1.0005, okx=100.0)
    assert {one.venue for one in house.news} == {"okx"}
    assert house.view.mark_price == pytest.approx(82.3, rel=0.001)


@pytest.mark.drawn(singly=True)
@given(
    st.integers(0, 2**32), st.lists(st.integers(0, 12), min_size=2, max_size=5),
    st.floats(-0.35, 0.5).filter(lambda size: abs(size) > 0.01), st.integers(1, 40),
)
@settings(max_examples=60, deadline=None)
def test_a_crash_that_all_follow_within_seconds_puts_nobody_in_quarantine(
    seed: int, lags_s: list[int], size: float, lasts_s: int
) -> None:
    chance = np.random.default_rng(seed)
    path = 100.0 * (1.0 + size * np.clip((np.arange(200) - 60) / lasts_s, 0.0, 1.0))
    path *= np.cumprod(1.0 + chance.normal(0, 2e-4, 200))
    names = ("binance", "bybit", "okx", "gate", "hyperliquid")[: len(lags_s)]
    outliers = OutlierFilter("BTC", names, -1, PARAMS)
    for number in range(40, 200):
        now_ms = START_MS + number * SECOND_MS
        marks = [
            (now_ms, venue, 0, path[number - lag] * (1.0 + 3e-4 * venue), np.nan) for venue, lag in enumerate(lags_s)
        ]
        outliers.take({"marks": np.array(marks, DTYPES["marks"])}, now_ms)
    assert [one for one in outliers.take_news() if one.venue != AGGREGATE] == []
    assert [price.mark_price for price in outliers.prices] == [row[3] for row in marks]


@pytest.mark.drawn(dear=True)
@pytest.mark.skipif(not CANDLES.is_file(), reason=f"no {CANDLES} beside here")
@pytest.mark.parametrize("coin", ["BTC", "ETH"])
def test_in_a_year_of_seven_real_venues_nobody_was_apart(coin: str) -> None:
    """The day of 2025-10-10 among it."""
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    table = pq.read_table(CANDLES)
    table = table.filter(pc.equal(table["coin"], coin)).sort_by("timestamp")
    names = tuple(sorted(set(table["venue"].to_pylist())))
    outliers, by_hour = OutlierFilter(coin, names, -1, PARAMS), dict[int, list[Any]]()
    for row in table.to_pylist():
        end_ms = int(row["timestamp"].timestamp() * 1_000) + 3_600_000
        usd = row["v"] * row["c"]
        by_hour.setdefault(end_ms, []).append(
            (end_ms, names.index(row["venue"]), 0, 3_600_000, row["o"], row["h"], row["l"], row["c"], usd, usd / 2,
             usd / 2)
        )
    assert len(by_hour) > 5_000
    for end_ms, bars in by_hour.items():
        outliers.take({"bars": np.array(bars, DTYPES["bars"])}, end_ms)
    assert outliers.take_news() == ()
    assert not outliers.quotes.translating


@pytest.mark.drawn(dear=True)
@given(st.integers(0, 2**32), st.integers(2, 4), st.sampled_from([10.0, 1.3, 0.94]), st.integers(0, 3))
@settings(max_examples=2, deadline=None)
def test_a_restored_house_judges_as_the_one_that_went_on(seed: int, count: int, factor: float, broken: int) -> None:
    venues = ("binance", "bybit", "krakenfutures", "hyperliquid")[:count]
    world = RandomMarket(seed, venues=venues, marks=True, span_ms=5_000)
    blocks = []
    for number, (time_ms, events) in enumerate(world.steps(40)):
        bad = 12 <= number < 25
        changed = [
            msgspec.structs.replace(one, mark_price=one.mark_price * factor)
            if bad and isinstance(one, MarkPrice) and one.venue == venues[broken % count] else one for one in events
        ]
        blocks += blocks_of([(time_ms, changed)], world.roster)
    for cut in (13, 20, 30):
        whole, first, second = (Market(PARAMS, world.roster, venues[0]) for _ in range(3))
        told: list[Any] = [[], []]
        for block in blocks[:cut]:
            for market in (whole, first):
                market.collect(block)
                market.on_tick(block.tick_ms or 0)
        second.load_state(msgspec.msgpack.decode(msgspec.msgpack.encode(first.state())))
        for block in blocks[cut:]:
            for index, market in enumerate((whole, second)):
                market.collect(block)
                told[index].append(repr(market.on_tick(block.tick_ms or 0)) + repr(market.take_feed_news()))
        assert told[0][1:] == told[1][1:]
        assert msgspec.msgpack.encode(whole.state()) == msgspec.msgpack.encode(second.state())


@pytest.mark.drawn(singly=True)
def test_the_same_blocks_give_the_same_steps_and_the_bytes_say_it() -> None:
    house = House().run(30, binance=100.0, bybit=100.1, okx=99.9).run(60, binance=100.0, bybit=100.1, okx=200.0)
    again = house.fresh()
    assert [again.on_block(block).encoded() for block in house.blocks] == [step.encoded() for step in house.steps]
    (said,) = [step for step in house.steps if step.feeds]
    assert msgspec.msgpack.decode(said.encoded())["feeds"][0]["venue"] == "okx"


def test_a_return_band_wider_than_the_band_is_refused() -> None:
    with pytest.raises(ValueError, match=r"return_band_pct: 6.0 must be band_pct \(5.0\) or less"):
        AgreementParams(return_band_pct=6.0)
