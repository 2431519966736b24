"""What is told about a span belongs to it: forced orders wait for their bar, and rows without news change nothing."""

import random
from collections.abc import Iterable

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from idle_blocks import with_idle_blocks
from market_rows import START_MS, RandomMarket, blocks_of

from liqbot.blocks import KINDS, EventBlock, Roster, block_of
from liqbot.events import FundingRate, Liquidation, MarketEvent, MarkPrice, OpenInterest, TradeBar
from liqbot.instruments import Side
from liqbot.market.coin import CoinMarket
from liqbot.market.coin_state import coin_state, load_coin_state
from liqbot.market.market import Market
from liqbot.market.observed.waiting_prints import WAITING_MAX, Print, WaitingPrints
from liqbot.market.params import MarketParams

MINUTE_MS = 60_000
VENUES = ("binance", "bybit")
Steps = list[tuple[int, list[MarketEvent]]]
seeds = st.integers(0, 2**32)


def coin_of(venues: tuple[str, ...] = VENUES) -> CoinMarket:
    return CoinMarket("BTC", venues, venues[0], MarketParams())


def fold(coin: CoinMarket, *events: MarketEvent) -> int:
    """A clock step at the time of these events; how many forced orders its touches are compared with."""
    time_ms = events[0].time_ms
    block = block_of(events, Roster(tuple(coin.venues), ("BTC",)), tick_ms=time_ms)
    coin.fold({kind: block.rows(kind) for kind in KINDS if len(block.rows(kind))}, time_ms)
    return len(coin.estimator.orders)


def bar(minute: float, venue: str = "binance", price: float = 100.0, span_ms: int = MINUTE_MS) -> TradeBar:
    return TradeBar(
        time_ms=START_MS + int(minute * MINUTE_MS), venue=venue, coin="BTC", span_ms=span_ms, open=price,
        high=price * 1.001, low=price * 0.999, close=price, volume_usd=1e7,
    )


def forced(minute: float, venue: str = "binance") -> Liquidation:
    return Liquidation(
        time_ms=START_MS + int(minute * MINUTE_MS), venue=venue, coin="BTC", side=Side.LONG, price=1.0, size_usd=5e4
    )


def mark(minute: float, venue: str = "binance") -> MarkPrice:
    return MarkPrice(time_ms=START_MS + int(minute * MINUTE_MS), venue=venue, coin="BTC", mark_price=100.0)


# --- forced orders wait for their bar -----------------------------------------------------------------------------


def test_a_print_waits_for_the_bar_of_its_own_venue_that_contains_it() -> None:
    coin = coin_of()
    assert fold(coin, bar(0), bar(0, "bybit")) == 0
    assert fold(coin, forced(0.5), forced(0.5, "bybit")) == 0
    assert fold(coin, bar(1)) == 1
    assert fold(coin, bar(1, "bybit")) == 1


def test_a_print_told_with_its_bar_or_after_it_does_not_wait() -> None:
    coin = coin_of()
    fold(coin, bar(0))
    assert fold(coin, bar(1), forced(1)) == 1
    late = msgspec.structs.replace(forced(1), time_ms=forced(0.5).time_ms)
    assert fold(coin, bar(2), late) == 1


def test_a_print_of_a_venue_with_streamed_marks_waits_for_the_next_mark() -> None:
    coin = coin_of()
    for second in range(3):
        fold(coin, mark(second / 60))
    assert fold(coin, forced(2.5 / 60)) == 0
    fold(coin, bar(1, price=100.0, span_ms=MINUTE_MS), mark(3 / 60))
    assert len(coin.estimator.orders) == 1


def test_a_bar_that_never_comes_is_waited_for_twice_its_span() -> None:
    coin = coin_of()
    fold(coin, bar(0), bar(0, "bybit"))
    assert fold(coin, bar(1), forced(1, "bybit")) == 0
    assert fold(coin, bar(2)) == 0
    assert fold(coin, bar(3)) == 1


@pytest.mark.drawn(dear=True)
@given(seeds)
@settings(max_examples=5)
def test_where_in_its_bar_a_print_is_told_teaches_the_same(seed: int) -> None:
    chance, steps = random.Random(seed), RandomMarket(seed, venues=VENUES).steps(40)
    spread: Steps = []
    for time_ms, happened in steps:
        orders = [event for event in happened if isinstance(event, Liquidation)]
        moved = [msgspec.structs.replace(one, time_ms=time_ms - chance.randrange(MINUTE_MS)) for one in orders]
        spread += [(one.time_ms, [one]) for one in sorted(moved, key=lambda one: one.time_ms)]
        spread.append((time_ms, [event for event in happened if event not in orders]))
    with_bars, inside = coin_of(), coin_of()
    for coin, told in ((with_bars, steps), (inside, spread)):
        for _, happened in told:
            fold(coin, *happened)
    assert packed_estimate(with_bars) == packed_estimate(inside)


def packed_estimate(coin: CoinMarket) -> bytes:
    return msgspec.msgpack.encode([coin.estimator.state.packed(), coin.evaluation.state()])


def test_what_a_bar_promised_is_promised_once() -> None:
    market = Market(MarketParams(), Roster(VENUES, ("BTC",)), "binance")
    promised = []
    events: tuple[MarketEvent, ...] = (bar(0), bar(1, price=99.0), forced(1.5), bar(2, price=90.0), forced(2.5))
    for event in events:
        market.collect(block_of([event], market.roster, tick_ms=event.time_ms))
        market.on_tick(event.time_ms)
        promised.append(sum(market.promised_usd("BTC").get("binance", (0.0, 0.0))))
    assert promised[3] > 0
    assert promised[2] == promised[4] == 0


def test_what_waits_is_part_of_the_state() -> None:
    before, after = coin_of(), coin_of()
    fold(before, bar(0))
    fold(before, forced(0.5))
    load_coin_state(after, msgspec.msgpack.decode(msgspec.msgpack.encode(coin_state(before))))
    assert fold(before, bar(1)) == fold(after, bar(1)) == 1
    assert packed_estimate(before) == packed_estimate(after)


@given(st.lists(st.integers(0, 50), max_size=60), st.lists(st.integers(0, 50), max_size=8))
def test_a_line_gives_everything_once_in_order_of_time(times: list[int], told: list[int]) -> None:
    line, given_out = WaitingPrints(1), []
    for number, time_ms in enumerate(times):
        line.add(0, Print(time_ms, 0, number, 1.0, 0.0))
    for told_ms in [*told, 50]:
        taken = line.take(0, told_ms)
        assert all(one.time_ms <= told_ms for one in taken)
        assert taken == sorted(taken, key=lambda one: (one.time_ms, one.venue))
        given_out += taken
    assert sorted(one.venue for one in given_out) == list(range(len(times)))


def test_a_line_holds_no_more_than_may_wait() -> None:
    line = WaitingPrints(1)
    for number in range(WAITING_MAX + 3):
        line.add(0, Print(number, 0, 0, 1.0, 0.0))
    assert [one.time_ms for one in line.take(0, -1)] == [0, 1, 2]


# --- rows without news --------------------------------------------------------------------------------------------


@pytest.mark.drawn(dear=True)
@given(seeds, st.sampled_from([5_000, MINUTE_MS, 3_600_000]), st.booleans())
@settings(max_examples=3)
def test_rows_that_carry_nothing_new_change_no_view(seed: int, span_ms: int, marks: bool) -> None:
    world = RandomMarket(seed, span_ms=span_ms, marks=marks)
    steps = world.steps(40)
    for time_ms, happened in steps[::8]:  # a rate that is told again does not run out: here none does
        happened += [FundingRate(time_ms=time_ms, venue=venue, coin="BTC", rate_pct=0.01, interval_h=8.0)
                     for venue in world.venues]
    plain, idle = (Market(MarketParams(), world.roster, world.venues[0]) for _ in range(2))
    blocks = blocks_of(steps, world.roster)
    before, after = views_of(plain, blocks), views_of(idle, with_idle_blocks(blocks, seed))
    assert before == {time_ms: view for time_ms, view in after.items() if time_ms in before}
    assert packed_estimate(plain._coins[0]) == packed_estimate(idle._coins[0])


def views_of(market: Market, blocks: Iterable[EventBlock]) -> dict[int, str]:
    """Every view, as text, by the time of its step."""
    found = {}
    for block in blocks:
        market.collect(block)
        found[block.tick_ms or 0] = repr(market.on_tick(block.tick_ms or 0))
    return found


def test_a_step_awaits_a_price_until_the_next_bar_is_missing() -> None:
    market = Market(MarketParams(), Roster(VENUES, ("BTC",)), "binance")

    def awaits(minute: float, *events: MarketEvent) -> bool:
        tick_ms = START_MS + int(minute * MINUTE_MS)
        market.collect(block_of(events, market.roster, tick_ms=tick_ms))
        market.on_tick(tick_ms)
        return market.awaits_price(tick_ms)

    assert not awaits(-1)  # before the first bar nobody knows when one comes
    assert not awaits(0, bar(0))
    assert awaits(0.5)
    assert awaits(1.5, forced(1.4))
    assert not awaits(1.6, bar(1.6, "bybit"))  # any venue's price is news
    assert awaits(1.9)
    assert not awaits(2)


# --- fine and coarse bars -----------------------------------------------------------------------------------------


def walked(seed: int, minutes: int) -> tuple[Steps, Steps]:
    """One walk of one venue as bars of a minute and as bars of a second; the rest is told at the same times."""
    chance, price = random.Random(seed), 20_000.0
    coarse: Steps = []
    fine: Steps = []
    for minute in range(1, minutes + 1):
        end_ms, bars = START_MS + minute * MINUTE_MS, []
        for second in range(1, 61):
            before = price
            price *= 1.0 + chance.gauss(0.0, 0.0002)
            usd = chance.expovariate(1 / 1e6)
            bars.append(TradeBar(
                time_ms=end_ms - (60 - second) * 1_000, venue="binance", coin="BTC", span_ms=1_000, open=before,
                high=max(before, price), low=min(before, price), close=price, volume_usd=usd, buy_usd=usd / 2,
                sell_usd=usd / 2,
            ))
        whole = msgspec.structs.replace(
            bars[-1], span_ms=MINUTE_MS, open=bars[0].open, high=max(one.high for one in bars),
            low=min(one.low for one in bars), volume_usd=sum(one.volume_usd for one in bars),
            buy_usd=sum(one.buy_usd or 0.0 for one in bars), sell_usd=sum(one.sell_usd or 0.0 for one in bars),
        )
        about = {"time_ms": end_ms, "venue": "binance", "coin": "BTC"}
        interest = OpenInterest(**about, oi_usd=2e9 * price / 20_000.0 * (1.0 + 1e-5 * minute))
        coarse.append((end_ms, [whole, interest]))
        fine += [(one.time_ms, [one]) for one in bars[:-1]]
        fine.append((end_ms, [bars[-1], interest]))
    return coarse, fine


def figures(coin: CoinMarket) -> dict[str, float]:
    """What is read off one venue's market; USD of the map per side, and its fuel near the mark."""
    return {
        "mark": coin.now.reference_price, "open interest": coin.now.oi_base, "range": coin.bars.range_pct,
        "volume": coin.bars.mean_per_minute_usd("binance"), "warmth": coin.warmth_pct[0],
        **{f"{side.word} in all": coin.map.total_usd(side) for side in Side},
        **{f"{side.word} near": coin.map.within_usd(side, 8.0) for side in Side},
    }


TOLERANCE = {"mark": 1e-12, "open interest": 1e-12, "volume": 1e-9, "range": 0.03}
"""Relative; 1 % for what is not named. A bar tells its extremes and not where in between it traded."""
BINS_TOLERANCE = 0.08
"""Share of a side's USD that lies in another one-percent bin."""


@pytest.mark.long
@pytest.mark.parametrize("seed", [1])
def test_a_minutes_bar_in_seconds_moves_figures_only_within_tolerance(seed: int) -> None:
    coins = []
    for steps in walked(seed, 70):
        coin = coin_of(("binance",))
        for _, happened in steps:
            fold(coin, *happened)
        coins.append(coin)
    by_minutes, by_seconds = map(figures, coins)
    for name, value in by_minutes.items():
        assert by_seconds[name] == pytest.approx(value, rel=TOLERANCE.get(name, 0.01)), (seed, name)
    for side in Side:
        one, other = (np.add.reduceat(coin.map.usd(side), np.arange(0, len(coin.map.usd(side)), 20)) for coin in coins)
        assert np.abs(one - other).sum() <= 2 * BINS_TOLERANCE * one.sum(), (seed, side)
