"""Histories read span by span: all of it, whatever lies where, and the watermark only over what was read."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqbot.venues.histories import SPAN_MS_MIN, HistoryPart, by_spans

WEEK_MS = 7 * 86_400_000
NOW_MS = 5 * WEEK_MS


async def parts_of(
    times: list[int], since_ms: int, *, at_once: int = 10**9, fails_at: int = -1, kept_ms: int = NOW_MS
) -> tuple[list[HistoryPart[int]], list[tuple[int, int]]]:
    """What is told of a history by a venue that answers at most `at_once` rows; it fails at one of its answers."""
    parts: list[HistoryPart[int]] = []
    asked: list[tuple[int, int]] = []

    async def read(start_ms: int, end_ms: int) -> list[int] | None:
        asked.append((start_ms, end_ms))
        if len(asked) == fails_at:
            raise ConnectionError
        found = [time_ms for time_ms in times if start_ms <= time_ms <= end_ms]
        return found if len(found) <= at_once else None

    try:
        async for part in by_spans(read, since_ms, NOW_MS, WEEK_MS, kept_ms):
            parts.append(part)  # noqa: PERF401 -- what came before a failure counts
    except ConnectionError:
        pass
    return parts, asked


times_ms = st.lists(st.integers(0, NOW_MS), max_size=60).map(sorted)


@pytest.mark.drawn(singly=True)
@given(times_ms, st.integers(0, NOW_MS), st.integers(3, 20))
def test_everything_is_read_whatever_lies_where(times: list[int], since_ms: int, at_once: int) -> None:
    crowded = max((times.count(time_ms) for time_ms in times), default=0) > at_once
    parts, asked = asyncio.run(parts_of(times, since_ms, at_once=at_once))
    if crowded:
        return  # the next test's
    assert {row for part in parts for row in part.rows} == {one for one in times if one >= since_ms}
    assert all(end_ms - start_ms < WEEK_MS for start_ms, end_ms in asked)
    assert parts[-1].read_to_ms > NOW_MS


@given(times_ms, st.integers(1, 4))
def test_the_watermark_moves_over_what_was_read_alone(times: list[int], fails_at: int) -> None:
    parts, _ = asyncio.run(parts_of(times, 0, fails_at=fails_at))
    assert len(parts) == fails_at - 1
    told = {row for part in parts for row in part.rows}
    read_to_ms = parts[-1].read_to_ms if parts else 0
    assert told >= {one for one in times if one < read_to_ms}


def test_more_than_even_a_second_may_hold_stays_to_be_read() -> None:
    crowd = [WEEK_MS * 2] * 9
    parts, asked = asyncio.run(parts_of(crowd, 0, at_once=8))
    assert parts[-1].read_to_ms <= WEEK_MS * 2
    assert asked[-1][1] - asked[-1][0] < SPAN_MS_MIN


def test_what_no_venue_keeps_is_not_asked_for() -> None:
    _, asked = asyncio.run(parts_of([], 0, kept_ms=WEEK_MS))
    assert asked[0][0] == NOW_MS - WEEK_MS
