import math
import random

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market_rows import START_MS, RandomMarket, blocks_of

from liqbot.blocks import KINDS, EventBlock, Roster, block_of
from liqbot.events import BiasSet, FeedDown, FeedUp, MarketEvent, MarkPrice, OpenInterest, TradeBar
from liqbot.instruments import Side
from liqbot.market.market import Market
from liqbot.market.params import MarketParams
from liqbot.market.view import MarketView

PARAMS = MarketParams()
HOUR_MS = 3_600_000

seeds = st.integers(0, 2**32)
spans = st.sampled_from([1_000, 60_000, 300_000, HOUR_MS, 4 * HOUR_MS])


def folded(market: Market, blocks: list[EventBlock]) -> tuple[MarketView, ...]:
    views: tuple[MarketView, ...] = ()
    for block in blocks:
        market.collect(block)
        if block.tick_ms is not None:
            views = market.on_tick(block.tick_ms)
    return views


def fresh(roster: Roster) -> Market:
    return Market(PARAMS, roster, roster.venues[0])


def state_bytes(market: Market) -> bytes:
    return msgspec.msgpack.encode(market.state())


def split(block: EventBlock, chance: random.Random) -> list[EventBlock]:
    """A step cut into blocks: every kind's rows in order, each block with some of each kind."""
    parts = chance.randint(1, 4)
    pieces = []
    cuts = {kind: sorted(chance.randint(0, len(block.rows(kind))) for _ in range(parts - 1)) for kind in KINDS}
    for part in range(parts):
        columns = {}
        for kind in KINDS:
            ends = [0, *cuts[kind], len(block.rows(kind))]
            columns[kind] = block.rows(kind)[ends[part] : ends[part + 1]]
        pieces.append(EventBlock(**columns, tick_ms=block.tick_ms if part == parts - 1 else None))
    return pieces


@pytest.mark.drawn(dear=True)
@given(seeds, spans, st.booleans())
@settings(max_examples=6)
def test_a_step_split_anyhow_over_blocks_gives_the_same_bytes(seed: int, span_ms: int, marks: bool) -> None:
    world = RandomMarket(seed, coins=("BTC", "ETH"), span_ms=span_ms, marks=marks)
    blocks = blocks_of(world.steps(25), world.roster)
    whole, parts = fresh(world.roster), fresh(world.roster)
    views = folded(whole, blocks)
    chance = random.Random(seed)
    views_of_parts = folded(parts, [piece for block in blocks for piece in split(block, chance)])
    assert state_bytes(whole) == state_bytes(parts)
    assert repr(views) == repr(views_of_parts)


@pytest.mark.drawn(dear=True)
@given(seeds, spans)
@settings(max_examples=5)
def test_a_restored_market_goes_on_as_if_nothing_had_happened(seed: int, span_ms: int) -> None:
    world = RandomMarket(seed, span_ms=span_ms)
    blocks = blocks_of(world.steps(40), world.roster)
    whole, first, second = fresh(world.roster), fresh(world.roster), fresh(world.roster)
    folded(first, blocks[:23])
    first.collect(EventBlock(bars=blocks[23].bars))
    second.load_state(msgspec.msgpack.decode(state_bytes(first)))
    assert state_bytes(second) == state_bytes(first)
    rest = [msgspec.structs.replace(blocks[23], bars=blocks[23].bars[:0]), *blocks[24:]]
    assert repr(folded(second, rest)) == repr(folded(whole, blocks))
    assert state_bytes(second) == state_bytes(whole)


@pytest.mark.drawn(dear=True)
@given(seeds, spans)
@settings(max_examples=8)
def test_venue_and_leverage_filters_are_parts_of_the_whole(seed: int, span_ms: int) -> None:
    world = RandomMarket(seed, span_ms=span_ms)
    market = fresh(world.roster)
    folded(market, blocks_of(world.steps(30), world.roster))
    whole = market.map_of("BTC")
    by_venue = [market.map_of("BTC", venues=[venue]) for venue in world.venues]
    by_tier = [market.map_of("BTC", leverages=[leverage]) for leverage in market.leverages()]
    for side in Side:
        assert whole.total_usd(side) > 0
        for parts in (by_venue, by_tier):
            assert np.allclose(sum(part.usd(side) for part in parts), whole.usd(side), rtol=1e-9, atol=1e-6)


@pytest.mark.drawn(dear=True)
@given(seeds, spans)
@settings(max_examples=15)
def test_no_venue_holds_more_than_the_leveraged_share_of_its_open_interest(seed: int, span_ms: int) -> None:
    world = RandomMarket(seed, span_ms=span_ms)
    market = fresh(world.roster)
    for block in blocks_of(world.steps(30), world.roster):
        folded(market, [block])
        for venue in market.venue_health("BTC", block.tick_ms or 0):
            if venue.oi_usd == venue.oi_usd:
                most = PARAMS.estimate.leveraged_share * venue.oi_usd
                # The bound is drawn after the bars; open interest told in the same step takes effect with the next.
                assert max(venue.long_usd, venue.short_usd) <= most * 1.1


@pytest.mark.drawn(dear=True)
@given(seeds)
@settings(max_examples=10)
def test_nothing_is_mapped_where_price_has_just_been(seed: int) -> None:
    world = RandomMarket(seed, venues=("binance",), span_ms=300_000, volatility_pct=1.0)
    market = fresh(world.roster)
    for time_ms, events in world.steps(30):
        folded(market, [block_of(events, world.roster, tick_ms=time_ms)])
        bar = next(event for event in events if isinstance(event, TradeBar))
        drawn = market.map_of("BTC")
        inside = (drawn.edges[:-1] > bar.low) & (drawn.edges[1:] < bar.high)
        assert drawn.long_usd[inside].sum() == drawn.short_usd[inside].sum() == 0


@pytest.mark.long
@given(seeds, st.sampled_from([10.0, 0.1, 0.0, -1.0]), st.integers(0, 2))
@settings(max_examples=15)
def test_one_venues_broken_price_does_not_move_the_aggregate(seed: int, factor: float, broken: int) -> None:
    world = RandomMarket(seed, marks=True, span_ms=1_000)
    clean, poisoned = fresh(world.roster), fresh(world.roster)
    steps = world.steps(30)
    before = folded(clean, blocks_of(steps, world.roster))
    venue = world.venues[broken]

    def poison(event: MarketEvent) -> MarketEvent:
        if event.venue != venue:
            return event
        if isinstance(event, MarkPrice):
            return msgspec.structs.replace(event, mark_price=event.mark_price * factor)
        if isinstance(event, TradeBar):
            return msgspec.structs.replace(
                event, open=event.open * factor, high=event.high * factor, low=event.low * factor,
                close=event.close * factor,
            )
        return event

    bad = [(time_ms, [poison(event) for event in events] if number >= 15 else events)
           for number, (time_ms, events) in enumerate(steps)]
    after = folded(poisoned, blocks_of(bad, world.roster))
    assert after[0].map.mark_price == pytest.approx(before[0].map.mark_price, rel=0.01)
    rejected = {health.venue: health.rejected for health in poisoned.venue_health("BTC", steps[-1][0])}
    assert rejected[venue] >= 15
    assert sum(rejected.values()) == rejected[venue]


def test_a_lone_venue_is_believed_again_once_its_new_level_is_confirmed() -> None:
    roster = Roster(("binance",), ("BTC",))
    market = fresh(roster)

    def bar(number: int, price: float) -> EventBlock:
        time_ms = START_MS + number * 60_000
        event = TradeBar(time_ms=time_ms, venue="binance", coin="BTC", span_ms=60_000, open=price, high=price,
                         low=price, close=price, volume_usd=1e6)
        return block_of([event], roster, tick_ms=time_ms)

    assert folded(market, [bar(0, 100.0), bar(1, 1000.0)])[0].mark_price == 100.0
    assert folded(market, [bar(2, 100.0), bar(3, 1000.0)])[0].mark_price == 100.0
    assert folded(market, [bar(4, 1001.0), bar(5, 1002.0)])[0].mark_price == 1002.0


def test_hourly_bars_alone_leave_absent_what_they_cannot_tell() -> None:
    world = RandomMarket(3, venues=("binance",), span_ms=HOUR_MS)
    only_bars = [
        (time_ms, [event for event in events if isinstance(event, TradeBar)]) for time_ms, events in world.steps(60)
    ]
    view = folded(fresh(world.roster), blocks_of(only_bars, world.roster))[0]
    for name in ("index_price", "oi_usd", "oi_change_1h_pct", "funding_8h_pct", "funding_percentile",
                 "liquidated_long_1h_usd", "warmth_long_pct", "warmth_short_pct"):
        assert math.isnan(getattr(view, name)), name
    for name in ("mark_price", "volume_ratio", "taker_imbalance", "return_1h_pct", "return_24h_pct", "trend_pct",
                 "range_pct", "minute_volume_usd"):
        assert math.isfinite(getattr(view, name)), name
    assert "mark_price" in view.derived
    assert view.map.long_usd.sum() > 0


@pytest.mark.drawn(singly=True)
def test_open_interest_told_every_four_hours_says_nothing_about_an_hour() -> None:
    roster = Roster(("binance", "aggregate"), ("BTC",))
    market = fresh(roster)
    view = None
    for number in range(12 * 30):
        time_ms = START_MS + number * 300_000
        events: list[MarketEvent] = [
            TradeBar(time_ms=time_ms, venue="binance", coin="BTC", span_ms=300_000, open=100.0, high=100.1, low=99.9,
                     close=100.0, volume_usd=1e6)
        ]
        if number % 48 == 0:
            events.append(OpenInterest(time_ms=time_ms, venue="aggregate", coin="BTC", oi_usd=1e9 + 1e6 * number))
        view = folded(market, [block_of(events, roster, tick_ms=time_ms)])[0]
        assert math.isnan(view.oi_change_1h_pct)
    assert view is not None
    assert view.oi_change_24h_pct > 0
    assert [health.venue for health in market.venue_health("BTC", view.time_ms)] == ["binance"]


def test_facts_about_feeds_and_bias_reach_the_view() -> None:
    world = RandomMarket(1, span_ms=1_000, marks=True)
    market = fresh(world.roster)
    steps = world.steps(20)
    market.on_fact(BiasSet(time_ms=START_MS, coin="BTC", side=Side.LONG, until_ms=steps[-1][0], why="test"))
    early = folded(market, blocks_of(steps[:10], world.roster))[0]
    market.on_fact(FeedDown(time_ms=steps[9][0], venue="okx", coin="BTC", feed="mark", reason="silent"))
    down = market.on_tick(steps[9][0])[0]
    market.on_fact(FeedUp(time_ms=steps[9][0], venue="okx", coin="BTC", feed="mark"))
    late = folded(market, blocks_of(steps[10:], world.roster))[0]
    assert (early.given_bias, late.given_bias) == (Side.LONG, None)
    assert [(view.live_venues, view.stale_venues) for view in (early, down, late)] == [(3, 0), (2, 1), (3, 0)]
    silent = market.on_tick(steps[-1][0] + 60_000)[0]
    assert (silent.live_venues, silent.stale_venues, silent.age_ms) == (0, 3, 60_000)


def test_unknown_filters_are_refused_by_name() -> None:
    world = RandomMarket(1)
    market = fresh(world.roster)
    with pytest.raises(ValueError, match="no price yet"):
        market.map_of("BTC")
    folded(market, blocks_of(world.steps(2), world.roster))
    with pytest.raises(ValueError, match="leverage: 7 is not one of 3, 5"):
        market.map_of("BTC", leverages=[7])
    with pytest.raises(ValueError, match="'kraken' is not one of"):
        market.map_of("BTC", venues=["kraken"])
