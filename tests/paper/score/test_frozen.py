"""Outcomes, climatology and the baselines of the past on a path that is written down here."""

import numpy as np
import pytest

from liqbot.blocks import Roster
from paper.score.frozen import Grid, climatology, memory, mirrored, moved_in_time, outcome, volume_profile
from paper.score.placed_orders import PlacedOrders
from paper.score.price_path import FINE
from paper.score.record import ScoreRecord, Setting
from paper.score.score import inside_share
from paper.score.touch import touch_of, touched_of

HOUR_MS = 3_600_000
START = 20_000.0


def record(moves: list[tuple[float, float, float]], prints: list[tuple[int, int, float, float]]) -> ScoreRecord:
    """Hourly steps of (low, high, mark) in score bins from the start; prints of (step, side, at, usd), one venue."""
    path = START + FINE * np.array(moves)
    count, bins = len(moves), 5
    table = np.array(prints).reshape(-1, 4)
    at = START + FINE * table[:, 2]
    marks = path[:, 2]
    printed = np.zeros((count, 1, 2))
    for step, side, _, usd in prints:
        printed[step, 0, side] += usd
    empty = np.zeros((count, 2, bins))
    return ScoreRecord(
        setting=Setting(Roster(("binance",), ("BTC",)), "BTC", "binance", step_ms=HOUR_MS),
        time_ms=np.arange(1, count + 1) * HOUR_MS, before=np.r_[START, marks[:-1]], low=path[:, 0], high=path[:, 1],
        printed_usd=printed,
        pieces=PlacedOrders(table[:, 0].astype(int), table[:, 1].astype(int), at, at, table[:, 3]),
        bar_low=path[:, :1], bar_high=path[:, 1:2], volume_usd=np.full((count, 1), 100.0), touched_usd={},
        venue_touched_usd=np.zeros((count, 1, 2)), origin_step=np.arange(count), origin_marks=marks[:, None],
        positions_usd={}, forecast_usd={}, percentile=empty, venue_positions_usd=empty[:, None], clustered=empty,
    )


def test_outcome_of_a_written_path() -> None:
    # From 0: down to -2.5 with a long printed at -1.2, then up to +1 with a short at +0.5.
    found = record(
        [(0, 0, 0), (-2.5, 0, -2), (-2, 1, 1), (1, 1, 1)], [(1, 0, -1.2, 70.0), (2, 1, 0.5, 30.0), (2, 0, 0.3, 11.0)]
    )
    grid = Grid(found)
    one = outcome(found, grid, grid.printed(), 1, 5)
    assert one.usable.tolist() == [True, True, True, False]
    assert one.visited[0].tolist() == [pytest.approx([1, 1, 0.5, 0, 0]), [0, 0, 0, 0, 0]]
    assert one.realised_usd[0, 0].tolist() == pytest.approx([0, 70, 0, 0, 0])
    assert one.visited[1, 1].tolist() == pytest.approx([1, 1, 1, 0, 0])
    assert one.realised_usd[1, 1].tolist() == pytest.approx([0, 0, 30, 0, 0])
    # The long at +0.3 lies above the mark of its origin at -2: no frozen map could have had it.
    assert one.outside_usd == pytest.approx(11.0)
    assert inside_share(one) == pytest.approx(100 / 111)
    two = outcome(found, grid, grid.printed(), 2, 5)
    assert two.visited[0].tolist() == [pytest.approx([1, 1, 0.5, 0, 0]), pytest.approx([1, 0, 0, 0, 0])]
    assert two.realised_usd[0].tolist() == [pytest.approx([0, 70, 0, 0, 0]), pytest.approx([30, 0, 0, 0, 0])]
    assert two.usable.tolist() == [True, True, False, False]


def test_a_gap_in_the_tape_makes_horizons_over_it_unusable() -> None:
    found = record([(0, 0, 0)] * 6, [])
    found.time_ms[3:] += HOUR_MS
    grid = Grid(found)
    assert outcome(found, grid, grid.printed(), 1, 5).usable.tolist() == [True, True, False, True, True, False]


def storm(count: int = 60) -> ScoreRecord:
    """Every hour price dips two bins and comes back, and a long prints in the second bin."""
    return record([(-2, 0, 0)] * count, [(step, 0, -1.5, 10.0) for step in range(count)])


def test_climatology_learns_per_visit_and_knows_no_future() -> None:
    found = storm()
    grid = Grid(found)
    one = outcome(found, grid, grid.printed(), 1, 5)
    plain, per_visit = climatology(one, 1)
    assert per_visit[-1, 0, 1] == pytest.approx(10.0, rel=0.35)
    assert per_visit[-1, 0, 0] < 2.0
    assert plain[-1, 0, 4] < 0.2 * plain[-1, 0, 1]
    assert not plain[0].any()
    changed = one.realised_usd.copy()
    changed[30:] *= 1000
    later = climatology(type(one)(1, one.usable, one.visited, changed, 0.0), 1)
    for before, after in zip((plain, per_visit), later, strict=True):
        assert np.array_equal(before[:31], after[:31])
        assert not np.array_equal(before[31:], after[31:])


def test_memory_and_profile_forget() -> None:
    found = storm(220)
    grid = Grid(found)
    last_day = memory(found, grid, grid.printed(), 5)
    assert last_day[100, 0].tolist() == pytest.approx([0, 240, 0, 0, 0])
    assert last_day[4, 0, 1] == pytest.approx(50)
    profile = volume_profile(found, grid, 5)
    assert profile[219, 0].tolist() == pytest.approx([8400, 8400, 0, 0, 0])


def test_maps_of_other_times_come_from_before() -> None:
    maps = np.arange(100.0)[:, None, None] * np.ones((1, 2, 3))
    for seed in (None, 3):
        moved = moved_in_time(maps, 48, seed)
        assert not moved[:48].any()
        assert (moved[48:, 0, 0] <= np.arange(52)).all()
    assert moved_in_time(maps, 48, None)[60, 0, 0] == 12.0
    assert not moved_in_time(maps, 200, 1).any()
    sided = np.stack([np.zeros((2, 3)), np.ones((2, 3))], axis=1)
    assert mirrored(sided)[:, 0].all()
    assert not mirrored(sided)[:, 1].any()


def test_frozen_maps_are_touched_once_per_origin() -> None:
    found = record([(0, 0, 0), (-1.5, 0, -1), (-2, -1, -1), (-1, 2, 2)], [])
    grid = Grid(found)
    touch, number = touch_of(found, grid)
    assert number.tolist() == [0, 1, 2, 3]
    assert touch.origin.tolist() == [-1, 0, 1, 2]
    assert touch.crossed_bins.tolist() == [
        pytest.approx([0.05, 0.05]), pytest.approx([1.5, 0.05]), pytest.approx([1, 0.05]), pytest.approx([0.05, 3])
    ]
    maps = np.broadcast_to(np.array([4.0, 2.0, 1.0, 0.0, 0.0]), (4, 2, 5))
    assert touched_of(maps, touch).tolist() == [
        [0, 0], pytest.approx([5, 0]), pytest.approx([4, 0]), pytest.approx([0, 7])
    ]
