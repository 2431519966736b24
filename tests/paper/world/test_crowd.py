import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from paper.world.crowd import Crowd, Opening

VENUES = 3


def opening(rng: np.random.Generator, count: int) -> Opening:
    short = rng.integers(0, 2, count)
    entry = rng.uniform(90, 110, count)
    away = rng.uniform(0.01, 0.3, count)
    liquidation = entry * np.where(short > 0, 1 + away, 1 - away)
    guard = np.where(rng.random(count) < 0.5, liquidation, (entry + liquidation) / 2)
    take = entry * np.where(short > 0, 1 - away, 1 + away)
    return Opening(
        short, rng.integers(0, VENUES, count), rng.uniform(0.1, 9, count), entry, np.full(count, 0.1),
        np.full(count, 10.0), liquidation, guard, take, rng.uniform(0, 1000, count),
    )  # fmt: skip


@pytest.mark.drawn
@settings(max_examples=40)
@given(st.integers(0, 2**32), st.lists(st.tuples(st.integers(0, 40), st.floats(0, 1)), min_size=1, max_size=12))
def test_totals_and_count_are_those_of_the_open_positions(seed: int, moves: list[tuple[int, float]]):
    rng, crowd = np.random.default_rng(seed), Crowd(VENUES, 4)
    for count, share in moves:
        crowd.open(opening(rng, count))
        slots = crowd.open_slots()
        crowd.close(slots[rng.random(len(slots)) < share])
        left = crowd.open_slots()
        assert crowd.count == len(left)
        for side in (0, 1):
            own = left[(left >= crowd.capacity) == bool(side)]
            sums = np.bincount(crowd.venue[own], weights=crowd.quantity_base[own], minlength=VENUES)
            assert np.allclose(crowd.totals_base[side], sums, atol=1e-9)
    before = crowd.totals_base.copy()
    crowd.recount()
    assert np.allclose(crowd.totals_base, before, atol=1e-9)


@settings(max_examples=40)
@given(st.integers(0, 2**32), st.integers(0, 60))
def test_growing_keeps_every_position(seed: int, count: int):
    small, large = Crowd(VENUES, 1), Crowd(VENUES, 128)
    for crowd in (small, large):
        rng = np.random.default_rng(seed)
        for _ in range(3):
            crowd.open(opening(rng, count))
    for name in ("quantity_base", "entry_price", "liquidation_price", "guard_price", "take_price", "until_ms"):
        one, other = getattr(small, name), getattr(large, name)
        assert np.array_equal(np.sort(one[small.open_slots()]), np.sort(other[large.open_slots()]))


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.floats(80, 105), st.floats(0, 20))
def test_crossed_and_reached_are_what_a_plain_loop_finds(seed: int, low: float, width: float):
    rng, crowd = np.random.default_rng(seed), Crowd(VENUES, 64)
    crowd.open(opening(rng, 80))
    lows = low + rng.uniform(-1, 1, VENUES)
    highs = lows + width
    crossed, reached = set(crowd.crossed(lows, highs).tolist()), set(crowd.reached(lows, highs).tolist())
    for slot in crowd.open_slots().tolist():
        venue, short = int(crowd.venue[slot]), slot >= crowd.capacity
        guard, take = crowd.guard_price[slot], crowd.take_price[slot]
        assert (slot in crossed) == (guard <= highs[venue] if short else guard >= lows[venue])
        assert (slot in reached) == (take > lows[venue] if short else take < highs[venue])
    assert crossed | reached <= set(crowd.open_slots().tolist())


def test_more_margin_moves_the_liquidation_but_not_a_stop():
    crowd = Crowd(VENUES, 8)
    rng = np.random.default_rng(1)
    crowd.open(opening(rng, 8))
    slots = crowd.open_slots()
    stopped = crowd.guard_price[slots] != crowd.liquidation_price[slots]
    stops = crowd.guard_price[slots].copy()
    farther = crowd.liquidation_price[slots] * np.where(slots >= crowd.capacity, 1.1, 0.9)
    crowd.protect(slots, crowd.margin_ratio[slots] * 2, farther)
    assert np.array_equal(crowd.guard_price[slots], np.where(stopped, stops, farther))
