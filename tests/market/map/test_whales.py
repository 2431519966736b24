from collections import Counter

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from market_rows import START_MS
from told_market import LONG, MINUTE_MS, ROSTER, minute

from liqbot.blocks import EventBlock
from liqbot.instruments import Side
from liqbot.market.map.whales import WhaleChange, WhaleNews
from liqbot.market.market import Market
from liqbot.market.params import MarketParams


def news_of(*blocks: EventBlock) -> tuple[Market, list[WhaleNews]]:
    market, news = Market(MarketParams(), ROSTER, "hyperliquid"), []
    for block in blocks:
        market.collect(block)
        market.on_tick(block.tick_ms or 0)
        news += market.take_whale_news()
    return market, news


def changes(*blocks: EventBlock) -> list[str]:
    return [one.change.value for one in news_of(*blocks)[1]]


def test_a_large_position_near_its_liquidation_is_told_once() -> None:
    small, far = (Side.LONG, 99.0, 9e5), (Side.SHORT, 104.0, 5e7)
    market, news = news_of(minute(0), minute(1, told=(LONG, small, far)), *(minute(n) for n in range(2, 6)))
    assert [one.change for one in news] == [WhaleChange.NEAR]
    whale = news[0].whale
    assert (whale.venue, whale.side, whale.usd, whale.told_ms) == ("hyperliquid", Side.LONG, 3e6, START_MS + MINUTE_MS)
    assert whale.price == pytest.approx(98.5, rel=1e-6)
    assert whale.distance_pct == pytest.approx(1.5, abs=1e-3)
    view = market.views_at(START_MS + 5 * MINUTE_MS)[0]
    assert view.whales == (whale,)
    assert whale.text() == "long 3,000,000 USD, liquidated at 98.5, 1.50 % away"


def test_it_is_reached_when_its_venue_s_mark_was_there() -> None:
    told = minute(1, told=(LONG,))
    assert changes(minute(0), told, minute(2, low=98.4), minute(3)) == ["near", "reached"]


def test_what_is_told_no_more_is_gone_and_what_was_changed_is_updated() -> None:
    told = minute(1, told=(LONG,))
    assert changes(minute(0), told, minute(2, told=())) == ["near", "gone"]
    for other in ((Side.LONG, 98.2, 3e6), (Side.LONG, 98.5, 2e6)):
        assert changes(minute(0), told, minute(2, told=(other,)), minute(3)) == ["near", "updated"]
    assert changes(minute(0), told, minute(2, told=((Side.LONG, 98.49, 3.02e6),))) == ["near"]
    assert changes(minute(0), told, minute(2, told=((Side.LONG, 90.0, 3e6),))) == ["near", "gone"]


def test_price_that_moves_to_and_fro_makes_no_news() -> None:
    path = [minute(n, price) for n, price in enumerate((100.0, 100.8, 100.2, 101.0, 100.4), start=2)]
    assert changes(minute(0), minute(1, told=(LONG,)), *path) == ["near"]
    assert changes(minute(0), minute(1, told=(LONG,)), minute(2, 103.0), minute(3, 100.0)) == ["near", "away", "near"]


def test_a_venue_that_falls_silent_no_longer_says_that_it_is_there() -> None:
    hours = [minute(60 * hour) for hour in range(1, 9)]
    market, news = news_of(minute(0), minute(1, told=(LONG,)), *hours)
    assert [one.change for one in news] == [WhaleChange.NEAR, WhaleChange.STALE]
    assert (news[1].time_ms - START_MS) // MINUTE_MS == 60 * 7
    assert market.views_at(START_MS + 480 * MINUTE_MS)[0].whales == ()


snapshots = st.none() | st.lists(
    st.tuples(st.sampled_from(Side), st.floats(0.1, 4.0), st.sampled_from((5e5, 1e6, 2e6, 4e6))), max_size=6
)


@pytest.mark.drawn
@given(st.lists(st.tuples(st.floats(-1.5, 1.5), snapshots), min_size=2, max_size=12), st.integers(1, 11))
@settings(max_examples=30, deadline=None)
def test_news_adds_up_to_what_is_near_and_outlives_a_restart(
    steps: list[tuple[float, list[tuple[Side, float, float]] | None]], restart: int
) -> None:
    price, market = 100.0, Market(MarketParams(), ROSTER, "hyperliquid")
    said: Counter[WhaleChange] = Counter()
    for number, (move_pct, told) in enumerate(steps):
        price *= 1.0 + move_pct / 100.0
        places = told and tuple((side, price * (1.0 - int(side) * away / 100.0), usd) for side, away, usd in told)
        block = minute(number, price, None if places is None else tuple(places))
        if number == restart:
            state = msgspec.msgpack.decode(msgspec.msgpack.encode(market.state()))
            market = Market(MarketParams(), ROSTER, "hyperliquid")
            market.load_state(state)
        market.collect(block)
        (view,) = market.on_tick(block.tick_ms or 0)
        said.update(one.change for one in market.take_whale_news())
        ended = sum(said[one] for one in set(WhaleChange) - {WhaleChange.NEAR, WhaleChange.UPDATED})
        assert len(view.whales) == said[WhaleChange.NEAR] - ended
        distances = [whale.distance_pct for whale in view.whales]
        assert distances == sorted(distances)
        assert not distances or (distances[0] > 0 and distances[-1] <= 3.0)
        assert all(whale.usd >= 1e6 and np.sign(price - whale.price) == int(whale.side) for whale in view.whales)
