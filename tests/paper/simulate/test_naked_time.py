"""The rule of naked time: what an absence excuses, and that nobody can come and go for ever."""

from hypothesis import given
from hypothesis import strategies as st

from paper.simulate.naked_time import NakedStretch

LIMIT_MS = 5_000
SPANS = st.lists(st.tuples(st.integers(1, 60_000), st.booleans()), min_size=1, max_size=60)
ABSENT_MS = st.integers(1, 30_000)


def broken_by(spans: list[tuple[int, bool]]) -> tuple[NakedStretch, bool]:
    """The stretch when it broke, or at the end of it."""
    stretch = NakedStretch(LIMIT_MS)
    return stretch, any(stretch.pass_time(ms, answering=answering) for ms, answering in spans)


@given(st.lists(st.integers(1, 2_000), max_size=20))
def test_without_an_absence_every_millisecond_counts(spans_ms: list[int]) -> None:
    stretch, broken = broken_by([(ms, True) for ms in spans_ms])
    assert broken is (stretch.naked_ms > LIMIT_MS)


@given(SPANS, st.integers(1, LIMIT_MS))
def test_a_house_that_is_slow_once_after_a_long_absence_has_the_whole_limit_from_the_return(
    spans: list[tuple[int, bool]], after_ms: int
) -> None:
    before, broken = broken_by(spans)
    if broken:
        return
    away_ms = max(LIMIT_MS, before.naked_ms) + 1
    assert not before.pass_time(away_ms, answering=False)
    assert not before.pass_time(after_ms, answering=True)
    assert before.pass_time(LIMIT_MS + 1 - after_ms, answering=True)


@given(st.lists(st.tuples(st.integers(1, LIMIT_MS), st.integers(1, 5_000)), min_size=1, max_size=40))
def test_short_absences_excuse_their_own_time_alone(pairs: list[tuple[int, int]]) -> None:
    stretch, broken = broken_by([span for away, there in pairs for span in ((away, False), (there, True))])
    assert broken is (stretch.naked_ms > LIMIT_MS)


@given(ABSENT_MS, st.integers(1, LIMIT_MS))
def test_a_venue_that_comes_and_goes_does_not_excuse_for_ever(away_ms: int, there_ms: int) -> None:
    times = (max(away_ms, LIMIT_MS) + LIMIT_MS) // there_ms + 2
    stretch, broken = broken_by([(away_ms, False), (there_ms, True)] * times)
    assert broken
    assert stretch.naked_ms <= max(away_ms, LIMIT_MS) + LIMIT_MS + there_ms


@given(SPANS)
def test_nothing_is_lost_and_looking_more_often_changes_nothing(spans: list[tuple[int, bool]]) -> None:
    whole, halves = NakedStretch(LIMIT_MS), NakedStretch(LIMIT_MS)
    for ms, answering in spans:
        broken = whole.pass_time(ms, answering=answering)
        first = halves.pass_time(ms // 2, answering=answering)
        assert broken is (halves.pass_time(ms - ms // 2, answering=answering) or first)
        if broken:
            break
    assert (whole.naked_ms, whole.excused_ms, whole.counted_ms) == (
        halves.naked_ms, halves.excused_ms, halves.counted_ms
    )


def test_three_seconds_before_a_long_maintenance_and_three_after_it_keep_the_promise() -> None:
    stretch, broken = broken_by([(3_000, True), (103_000, False), (3_000, True)])
    assert not broken
    assert stretch.naked_ms > LIMIT_MS, "of the whole position"
