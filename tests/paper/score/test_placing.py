"""Where prices and forced orders lie: frames, bands, spreading, and the baselines' maps on single bars."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqbot.blocks import EventBlock, Roster, block_of
from liqbot.events import Liquidation, LiquidationTotals, MarketEvent, MarkPrice, OpenInterest, TradeBar
from liqbot.instruments import Side
from liqbot.market.estimate.price_grid import position_of
from liqbot.market.observed.prices import VenuePrice, known_until
from liqbot.market.params import HealthParams
from liqbot.venues.registry import mechanics_of
from paper.score.placed_orders import Placing, spread
from paper.score.price_path import FINE, PricePath, outward, positions_of, prices_at
from paper.score.volume_maps import LEVERAGES, RisingInterest, TierMap, exact_shifts, naive_shifts

ROSTER = Roster(("binance", "bybit"), ("BTC",))
MINUTE_MS = 60_000


def bar(at_ms: int, low: float, high: float, close: float, usd: float = 1e6, venue: str = "binance") -> TradeBar:
    return TradeBar(
        time_ms=at_ms, venue=venue, coin="BTC", span_ms=MINUTE_MS, open=close, high=high, low=low, close=close,
        volume_usd=usd,
    )


def forced(at_ms: int, side: Side, usd: float, price: float = 1.0, venue: str = "binance") -> Liquidation:
    return Liquidation(time_ms=at_ms, venue=venue, coin="BTC", side=side, price=price, size_usd=usd)


def step(*events: MarketEvent) -> EventBlock:
    return block_of(events, ROSTER, tick_ms=events[0].time_ms)


def seen(*blocks: EventBlock, streaming: tuple[int, ...] = ()) -> PricePath:
    frame = PricePath(2, 0, 0, streaming)
    for block in blocks:
        frame.step(block)
    return frame


@given(st.floats(1e-3, 1e6))
def test_positions_agree_with_the_grid_and_go_back(price: float) -> None:
    found = positions_of(np.array([price]))
    assert found[0] == pytest.approx(position_of(price), abs=1e-6)
    assert prices_at(found)[0] == pytest.approx(price, rel=1e-9)


def test_a_frame_follows_bars_and_a_venue_without_rows_stands_still() -> None:
    frame = seen(
        step(bar(1, 99, 101, 100), bar(1, 99.1, 101.1, 100.1, venue="bybit")), step(bar(2, 97, 100.5, 98))
    )
    assert prices_at(frame.mark) == pytest.approx([98, 100.1])
    assert prices_at(frame.before) == pytest.approx([100, 100.1])
    assert prices_at(frame.low)[0] == pytest.approx(97)
    assert frame.low[1] == frame.high[1] == frame.mark[1]
    assert np.isnan(frame.bar_low[1])


def test_streamed_marks_decide_over_wicks_of_trades() -> None:
    first = step(MarkPrice(time_ms=1, venue="binance", coin="BTC", mark_price=100.0), bar(1, 99, 101, 100))
    wick = step(
        bar(2, 80, 120, 100), MarkPrice(time_ms=2, venue="binance", coin="BTC", mark_price=99.5),
        MarkPrice(time_ms=2, venue="binance", coin="BTC", mark_price=99.8),
    )
    frame = seen(first, wick, streaming=(0,))
    assert prices_at(frame.low)[0] == pytest.approx(99.5)
    assert prices_at(frame.high)[0] == pytest.approx(99.8)
    assert prices_at(frame.bar_low)[0] == pytest.approx(80)


@given(
    st.lists(st.tuples(st.integers(0, 90), st.lists(st.sampled_from(("bar", "bybit bar", "mark")))), min_size=1),
    st.integers(0, 300),
)
def test_until_when_a_path_is_known_is_as_the_fold_has_it(
    told: list[tuple[int, list[str]]], silent_s: int
) -> None:
    """One venue with bars and sparse marks, one with bars alone, and times at which either says nothing."""
    prices, frame, now_ms = [VenuePrice(), VenuePrice()], PricePath(2, 0, 0), MINUTE_MS
    for waited_s, kinds in told:
        now_ms += waited_s * 1_000
        events: list[MarketEvent] = []
        for venue, name in enumerate(("bar", "bybit bar")):
            if name in kinds and prices[venue].bar_ms < now_ms:
                prices[venue].take_bar(now_ms, MINUTE_MS, 100.0, HealthParams())
                events.append(bar(now_ms, 99, 101, 100, venue=ROSTER.venues[venue]))
        if "mark" in kinds and now_ms - prices[0].mark_row_ms > HealthParams().mark_gap_ms_max:
            prices[0].take_mark(now_ms, 100.0, float("nan"), HealthParams())
            events.append(MarkPrice(time_ms=now_ms, venue="binance", coin="BTC", mark_price=100.0))
        frame.step(block_of(events, ROSTER, tick_ms=now_ms))
        assert frame.known_until(now_ms) == known_until(prices, 0, now_ms)
    later_ms = now_ms + silent_s * 1_000
    assert frame.known_until(later_ms) == known_until(prices, 0, later_ms)


def test_a_streaming_venue_that_falls_silent_is_waited_for_no_longer_than_its_marks_come() -> None:
    marks = [MarkPrice(time_ms=at, venue="binance", coin="BTC", mark_price=100.0) for at in (60_000, 61_000)]
    price = VenuePrice()
    price.take_bar(60_000, MINUTE_MS, 100.0, HealthParams())
    for mark in marks:
        price.take_mark(mark.time_ms, 100.0, float("nan"), HealthParams())
    frame = seen(step(bar(60_000, 99, 101, 100), marks[0]), step(marks[1]), streaming=(0,))
    assert price.streaming
    assert frame.known_until(90_000) == known_until([price, VenuePrice()], 0, 90_000) == ([80_000, 80_000], 80_000)


def test_prints_lie_where_their_own_venue_newly_went_moved_to_the_home_price() -> None:
    frame, placing = PricePath(2, 0, 0), Placing(2, frozenset())
    first = step(bar(1, 100, 100, 100), bar(1, 101, 101, 101, venue="bybit"))
    # The bankruptcy price a feed prints is not where the mark was.
    fall = step(
        bar(2, 98, 100, 99), bar(2, 98.98, 101, 99.99, venue="bybit"), forced(2, Side.LONG, 50.0, price=80.0),
        forced(2, Side.LONG, 70.0, venue="bybit"), forced(2, Side.SHORT, 30.0),
    )
    for number, block in enumerate((first, fall)):
        frame.step(block)
        told = placing.step(block, frame, number)
    assert told.tolist() == [[50.0, 30.0], [70.0, 0.0]]
    pieces = placing.pieces()
    assert pieces.step.tolist() == [1, 1, 1]
    assert pieces.side.tolist() == [0, 1, 0]
    assert prices_at(pieces.low) == pytest.approx([98, 100, 98], rel=1e-4)
    assert prices_at(pieces.high) == pytest.approx([100, 100, 100], rel=1e-4)


def test_a_print_lies_in_what_the_bar_that_contains_it_crossed() -> None:
    frame, placing = PricePath(2, 0, 0), Placing(2, frozenset())
    blocks = [
        step(bar(60_000, 100, 100, 100), bar(60_000, 100, 100, 100, venue="bybit")),
        step(forced(90_000, Side.LONG, 50.0), forced(90_000, Side.LONG, 70.0, venue="bybit")),
        step(bar(120_000, 96, 100, 99)),
        step(bar(120_000, 97, 100, 99, venue="bybit")),
    ]
    told = []
    for number, block in enumerate(blocks):
        frame.step(block)
        told.append(placing.step(block, frame, number)[:, 0].tolist())
    assert told == [[0.0, 0.0], [0.0, 0.0], [50.0, 0.0], [0.0, 70.0]]
    pieces = placing.pieces()
    assert prices_at(pieces.low) == pytest.approx([96, 97], rel=1e-4)
    assert prices_at(pieces.high) == pytest.approx([100, 100], rel=1e-4)


@given(st.lists(st.tuples(st.integers(1, 4), st.integers(0, MINUTE_MS - 1), st.sampled_from(Side), st.booleans())))
def test_where_in_its_bar_a_print_is_told_does_not_move_it(prints: list[tuple[int, int, Side, bool]]) -> None:
    levels = (100.0, 98.0, 103.0, 97.0, 99.0)

    def placed(told: list[tuple[int, MarketEvent]]) -> list[tuple[float, ...]]:
        frame, placing = PricePath(2, 0, 0), Placing(2, frozenset())
        bars = [
            (minute * MINUTE_MS, bar(minute * MINUTE_MS, level - 1, level + 1, level, venue=venue))
            for minute, level in enumerate(levels) for venue in ROSTER.venues
        ]
        at: dict[int, list[MarketEvent]] = {}
        for time_ms, event in (*bars, *told):
            at.setdefault(time_ms, []).append(event)
        for time_ms in sorted(at):
            block = block_of(at[time_ms], ROSTER, tick_ms=time_ms)
            frame.step(block)
            placing.step(block, frame, time_ms)
        pieces = placing.pieces()
        return sorted(zip(pieces.step, pieces.side, pieces.low, pieces.high, pieces.usd, strict=True))

    def orders(*, inside: bool) -> list[tuple[int, MarketEvent]]:
        found = []
        for number, (minute, early_ms, side, home) in enumerate(prints):
            time_ms = minute * MINUTE_MS - (early_ms if inside else 0)
            found.append((time_ms, forced(time_ms, side, 1.0 + number, venue=ROSTER.venues[home])))
        return found

    assert placed(orders(inside=True)) == placed(orders(inside=False))


def test_a_print_does_not_wait_for_ever_for_a_bar_that_never_comes() -> None:
    frame, placing = PricePath(2, 0, 0), Placing(2, frozenset())
    blocks = [
        step(bar(60_000, 100, 100, 100), bar(60_000, 100, 100, 100, venue="bybit")),
        step(bar(120_000, 99, 100, 100), forced(120_001, Side.LONG, 70.0, venue="bybit")),
        step(bar(240_000, 99, 100, 100)),
        step(bar(241_000, 99, 100, 100)),
    ]
    told = []
    for number, block in enumerate(blocks):
        frame.step(block)
        told.append(placing.step(block, frame, number).sum())
    assert told == [0.0, 0.0, 0.0, 70.0]


def test_totals_are_spread_over_the_whole_interval_and_orders_of_that_venue_not_counted_again() -> None:
    frame, placing = PricePath(2, 0, 0), Placing(2, frozenset({0}))
    totals = LiquidationTotals(
        time_ms=180_000, venue="binance", coin="BTC", span_ms=120_000, long_usd=40.0, short_usd=9.0
    )
    blocks = [
        step(bar(60_000, 100, 100, 100)),
        step(bar(120_000, 96, 101, 99)),
        step(bar(180_000, 98, 103, 102), forced(180_000, Side.LONG, 5.0), totals),
    ]
    for number, block in enumerate(blocks):
        frame.step(block)
        told = placing.step(block, frame, number)
    assert told.tolist() == [[40.0, 9.0], [0.0, 0.0]]
    pieces = placing.pieces()
    assert prices_at(pieces.low) == pytest.approx([96, 100])
    assert prices_at(pieces.high) == pytest.approx([100, 103])


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(5, 40), st.floats(0, 9), st.floats(0, 100)), max_size=12))
def test_spreading_keeps_every_dollar(rows: list[tuple[int, float, float, float]]) -> None:
    table = np.array(rows).reshape(-1, 4)
    number, low, width, usd = table.T
    found = spread(number.astype(int), low, low + width, usd, count=3, first=0, bins=60)
    for row in range(3):
        assert found[row].sum() == pytest.approx(usd[number == row].sum())


def test_spreading_is_even() -> None:
    found = spread(np.array([0]), np.array([1.5]), np.array([3.5]), np.array([8.0]), count=1, first=0, bins=5)
    assert found.tolist() == [[0.0, 2.0, 4.0, 2.0, 0.0]]


def test_outward_bins_begin_at_the_mark() -> None:
    usd = np.zeros(100)
    usd[38], usd[43] = 8.0, 4.0
    longs, shorts = (outward(usd, 1000, 1041.0, side, 3) for side in (0, 1))
    assert longs.tolist() == [8.0, 0.0, 0.0]
    assert shorts.tolist() == [4.0, 0.0, 0.0]
    assert outward(usd, 1000, 1043.5, 1, 1).tolist() == [2.0]


def opened(frame: PricePath, usd: float) -> np.ndarray:
    return np.array([[usd, usd], [0.0, 0.0]])


def test_volume_lies_at_the_naive_prices_until_the_mark_touches_them() -> None:
    frame, tiers = seen(step(bar(1, 100, 100, 100))), TierMap(naive_shifts(2))
    tiers.step(frame, opened(frame, 400.0))
    drawn = tiers.outward_usd(frame, 60)
    for leverage in LEVERAGES:
        for side, sign in ((0, -1.0), (1, 1.0)):
            away = abs(position_of(100 * (1 + sign / leverage)) - position_of(100)) / FINE
            near = drawn[side, max(int(away) - 1, 0) : int(away) + 2]
            assert near.sum() == pytest.approx(100.0, rel=0.01)
    assert drawn.sum() == pytest.approx(800.0, rel=0.02)
    frame.step(step(bar(2, 97.9, 100, 99)))
    tiers.step(frame, np.zeros((2, 2)))
    assert tiers.touched_usd.tolist() == [[pytest.approx(200.0, rel=0.02), 0.0], [0.0, 0.0]]
    frame.step(step(bar(3, 97.9, 100, 99)))
    tiers.step(frame, np.zeros((2, 2)))
    assert tiers.touched_usd.sum() == 0.0
    assert tiers.outward_usd(frame, 60)[0].sum() == pytest.approx(200.0, rel=0.02)


def test_exact_tiers_lie_where_the_venue_liquidates() -> None:
    shifts = exact_shifts(("binance", "coinbase"), "BTC")
    price = 100.0 * mechanics_of("binance", "BTC").ratio(Side.LONG, 25.0)
    assert shifts[0, 0, 1] == pytest.approx(position_of(price) - position_of(100.0), abs=0.02)
    assert np.isnan(shifts[1, 0, 1:]).all()
    tiers, frame = TierMap(shifts), seen(step(bar(1, 100, 100, 100), bar(1, 100, 100, 100, venue="bybit")))
    tiers.step(frame, np.array([[0.0, 0.0], [10.0, 10.0]]))
    # A venue that offers one of the leverages has all its volume there.
    assert tiers.outward_usd(frame, 60).sum() == pytest.approx(20.0, rel=0.02)


def test_rising_interest_goes_to_the_side_of_the_candle() -> None:
    rising = RisingInterest(2, -1)
    found = []
    for at_ms, close, oi_usd in ((1, 100, 1000), (2, 101, 2020), (3, 99, 2970), (4, 98, 98)):
        told = OpenInterest(time_ms=at_ms, venue="binance", coin="BTC", oi_usd=oi_usd)
        block = step(bar(at_ms, close, close, close), told)
        frame = seen(block)
        found.append(rising.opened_usd(block, frame, prices_at(frame.mark))[0].tolist())
    assert found == [[0, 0], [pytest.approx(1010), 0], [0, pytest.approx(990)], [0, 0]]


def test_maps_folded_as_one_are_the_maps_folded_alone() -> None:
    """To the last digit: baselines share the work, not the positions."""
    chance, shifts = np.random.default_rng(3), [naive_shifts(2), exact_shifts(ROSTER.venues, "BTC"), naive_shifts(2)]
    alone, together, frame = [TierMap(one) for one in shifts], TierMap(np.concatenate(shifts)), PricePath(2, 0, 0)
    price = 100.0
    for number in range(1, 60):
        before, price = price, price * float(1 + 0.004 * chance.standard_normal())
        low, high = sorted((before, price))
        venues = ("binance", "bybit") if number % 3 else ("binance",)
        frame.step(step(*(bar(number, low * 0.999, high * 1.001, price, venue=venue) for venue in venues)))
        opened = [chance.exponential(1e5, size=(2, 2)) * (number % 5 != part) for part in range(3)]
        together.step(frame, np.concatenate(opened))
        for part, (one, usd) in enumerate(zip(alone, opened, strict=True)):
            one.step(frame, usd)
            assert np.array_equal(together.touched_usd[2 * part : 2 * part + 2], one.touched_usd)
    for part, one in enumerate(alone):
        assert np.array_equal(together.outward_usd(frame, 60, part), one.outward_usd(frame, 60))
        assert one.outward_usd(frame, 60).any()
