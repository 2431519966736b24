"""Holes: what is missing of a series is told to the millisecond, and forced orders may be silent."""

from pathlib import Path

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given

from liqbot.blocks import DTYPES, EventBlock, Roster, Rows
from paper.tapes.holes import Gaps, Hole, share_covered
from paper.tapes.info import info_of, text_of
from paper.tapes.reader import read_tape
from paper.tapes.writer import write_tape
from tests.builders.small_tape import small_tape

FIRST_MS = 1_700_000_000_000
MINUTE_MS = 60_000
COUNT = 400
cuts = st.lists(st.integers(0, COUNT), max_size=4).map(sorted)


def series(kind: str, every_ms: int, count: int = COUNT) -> Rows:
    """Rows that tell of all time from FIRST_MS on."""
    rows = np.zeros(count, DTYPES[kind])
    rows["time_ms"] = FIRST_MS + every_ms * np.arange(1, count + 1)
    if "span_ms" in (rows.dtype.names or ()):
        rows["span_ms"] = every_ms
    return rows


def holes_of(kind: str, rows: Rows, cuts: list[int], until_ms: int) -> tuple[Hole, ...]:
    gaps = Gaps(kind)
    for part in np.split(rows, cuts):
        if len(part):
            gaps.add(part)
    return gaps.within(FIRST_MS, until_ms)


@pytest.mark.drawn(cases=True)
@pytest.mark.parametrize("kind", ["bars", "totals", "open_interest", "marks", "funding"])
@given(missing=st.tuples(st.integers(1, COUNT - 1), st.integers(1, 60)), cuts=cuts,
       every_min=st.sampled_from((1, 5, 60, 480)))  # fmt: skip
def test_what_is_taken_away_is_the_hole(
    kind: str, missing: tuple[int, int], cuts: list[int], every_min: int
) -> None:
    every_ms, (begin, count) = every_min * MINUTE_MS, missing
    count = min(count, COUNT - begin)
    rows = np.delete(series(kind, every_ms), slice(begin, begin + count))
    until_ms = FIRST_MS + every_ms * COUNT
    row_ms = 0 if kind in ("bars", "totals") else every_ms  # a moment tells of what follows it, a bar of its span
    begin_ms = FIRST_MS + every_ms * begin + row_ms
    hole = Hole(begin_ms, min(begin_ms + every_ms * count, until_ms))
    found = holes_of(kind, rows, cuts, until_ms)
    assert found == ((hole,) if hole.lasts_ms >= 5 * MINUTE_MS else ())
    assert share_covered(found, FIRST_MS, until_ms) == 1 - sum(one.lasts_ms for one in found) / (until_ms - FIRST_MS)


@pytest.mark.parametrize(
    ("hours", "holes"),
    [
        ((8, 16, 24), ()),
        ((8,), ((16, 24),)),
        ((16, 24), ((0, 8),)),
        ((0, 24), ((8, 24),)),
        ((8, 24), ((16, 24),)),
    ],
)
def test_a_rate_says_for_how_long_it_is(
    hours: tuple[int, ...], holes: tuple[tuple[int, int], ...]
) -> None:
    """Of a day in which funding is settled every eight hours, however few of them are told."""
    hour_ms, midnight_ms = 60 * MINUTE_MS, FIRST_MS - FIRST_MS % 86_400_000
    rows = np.zeros(len(hours), DTYPES["funding"])
    rows["time_ms"], rows["interval_h"], rows["rate_stage"] = midnight_ms + hour_ms * np.array(hours), 8.0, np.nan
    gaps = Gaps("funding")
    gaps.add(rows)
    found = gaps.within(midnight_ms, midnight_ms + 24 * hour_ms)
    assert found == tuple(Hole(*(midnight_ms + hour_ms * hour for hour in hole)) for hole in holes)


@given(cuts=cuts, seed=st.integers(0, 2**32 - 1))
def test_moments_out_of_order_are_no_holes(cuts: list[int], seed: int) -> None:
    rows = series("marks", 1_000)
    rows["time_ms"] -= np.random.default_rng(seed).integers(0, 3_000, COUNT)
    assert holes_of("marks", rows, cuts, int(rows["time_ms"].max())) == ()


@pytest.mark.parametrize("kind", ["liquidations", "positions"])
def test_forced_orders_and_positions_may_be_silent(kind: str) -> None:
    assert holes_of(kind, series(kind, 30 * MINUTE_MS, 3), [], FIRST_MS + 24 * 60 * MINUTE_MS) == ()


def test_a_venue_that_begins_late_or_ends_early_covers_less(tmp_path: Path) -> None:
    bars = np.concatenate([series("bars", MINUTE_MS), series("bars", MINUTE_MS)[100:300]])
    bars["venue"][COUNT:] = 1
    for name, price in (("open", 60_000.0), ("high", 60_050.0), ("low", 59_950.0), ("close", 60_000.0)):
        bars[name] = price
    bars["volume_usd"] = 1e6
    bars = bars[np.argsort(bars["time_ms"], kind="stable")]
    write_tape(tmp_path / "t.parquet", [EventBlock(bars=bars)], Roster(("binance", "bybit"), ("BTC",)))
    info = info_of(read_tape(tmp_path / "t.parquet"))
    assert [(held.venue, held.holes, held.covered_share) for held in info.holds] == [
        ("binance", 0, 1.0), ("bybit", 2, 0.5),
    ]  # fmt: skip
    (line,) = info.holes
    assert line.startswith("trades of BTC at bybit: 50.0% of the time, 2 holes, the longest 1.7 h from")
    assert f"holes:\n  {line}" in text_of(info)


def test_a_whole_tape_has_none(tmp_path: Path) -> None:
    info = info_of(read_tape(small_tape(tmp_path / "t.parquet", hours=30)))
    assert info.holes == ()
    assert {held.covered_share for held in info.holds} == {1.0}
    assert "holes:\n  none" in text_of(info)
