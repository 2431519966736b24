"""What is told about a span belongs to it: forced orders wait for their bar, and rows without news change nothing."""

import random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st
from market_rows import START_MS, RandomMarket, blocks_of

from liqbot.blocks import KINDS, Roster, block_of
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


@given(seeds)
@settings(max_examples=8)
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


def with_idle_rows(steps: Steps, chance: random.Random) -> Steps:
    """The same steps, and between them what carries nothing new: the last rate and open interest again, empty Ticks."""
    newest: dict[tuple[str, str], MarketEvent] = {}
    found: Steps = []
    for number, (time_ms, happened) in enumerate(steps):
        found.append((time_ms, happened))
        newest |= {
            (type(event).__name__, event.venue): event for event in happened
            if isinstance(event, FundingRate | OpenInterest)
        }
        room_ms = steps[number + 1][0] - time_ms if number + 1 < len(steps) else 0
        for later_ms in sorted(chance.sample(range(1, room_ms), chance.randint(0, 3))) if room_ms > 1 else ():
            again = chance.sample(sorted(newest.items()), chance.randint(0, len(newest)))
            found.append((time_ms + later_ms, [
                msgspec.structs.replace(event, time_ms=time_ms + later_ms) for _, event in again
            ]))
    return found


@given(seeds, st.sampled_from([5_000, MINUTE_MS, 3_600_000]), st.booleans())
@settings(max_examples=12)
def test_rows_that_carry_nothing_new_change_no_view(seed: int, span_ms: int, marks: bool) -> None:
    world = RandomMarket(seed, span_ms=span_ms, marks=marks)
    steps = world.steps(40)
    for time_ms, happened in steps[::8]:  # a rate that is told again does not run out: here none does
        happened += [FundingRate(time_ms=time_ms, venue=venue, coin="BTC", rate_pct=0.01, interval_h=8.0)
                     for venue in world.venues]
    plain, idle = (Market(MarketParams(), world.roster, world.venues[0]) for _ in range(2))
    before, after = views_of(plain, steps), views_of(idle, with_idle_rows(steps, random.Random(seed)))
    assert before == {time_ms: view for time_ms, view in after.items() if time_ms in before}
    assert packed_estimate(plain._coins[0]) == packed_estimate(idle._coins[0])


def views_of(market: Market, steps: Steps) -> dict[int, str]:
    """Every view, as text, by the time of its step."""
    found = {}
    for block in blocks_of(steps, market.roster):
        market.collect(block)
        found[block.tick_ms or 0] = repr(market.on_tick(block.tick_ms or 0))
    return found
