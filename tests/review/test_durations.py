"""Spans and moments as people type them."""

import datetime as dt

import pytest

from liqbot.exits import ExpectedError
from liqbot.review.durations import day_ms, instant_ms, moment_ms, past_ms, seconds_of

NOON_MS = int(dt.datetime(2026, 11, 22, 12, 0, tzinfo=dt.UTC).timestamp() * 1_000)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("10m", 600), ("1.5h", 5_400), ("2d", 172_800)])
def test_spans(text: str, seconds: float) -> None:
    assert seconds_of(text) == seconds


@pytest.mark.parametrize("text", ["", "0s", "-1m", "5", "m", "1w"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(ExpectedError, match="60s"):
        seconds_of(text)


def test_moments() -> None:
    assert moment_ms("18:00", NOON_MS) == NOON_MS + 6 * 3_600_000
    assert moment_ms("11:00", NOON_MS) == NOON_MS + 23 * 3_600_000
    assert moment_ms("2h", NOON_MS) == NOON_MS + 2 * 3_600_000
    assert moment_ms("2026-11-22T13:00", NOON_MS) == NOON_MS + 3_600_000
    assert moment_ms("2026-11-22T13:00+01:00", NOON_MS) == NOON_MS
    with pytest.raises(ExpectedError, match="--until"):
        moment_ms("25:99", NOON_MS)


@pytest.mark.parametrize(
    ("text", "hours_ago"),
    [("2h", 2), ("90m", 1.5), ("12:00", 0), ("13:00", 23), ("today", 12), ("yesterday", 36), ("now", 0),
     ("2026-11-21", 36), ("2026-11-22T11:00", 1), ("2026-11-22T12:00+01:00", 1), (f"{NOON_MS}", 0)],
)
def test_moments_that_are_past(text: str, hours_ago: float) -> None:
    assert past_ms(text, NOON_MS, "--since") == NOON_MS - hours_ago * 3_600_000


@pytest.mark.parametrize("text", ["", "x", "25:00", "2026-13-01", "-2h"])
def test_what_is_no_moment_is_refused_with_its_option(text: str) -> None:
    with pytest.raises(ExpectedError, match="--since"):
        past_ms(text, NOON_MS, "--since")


@pytest.mark.parametrize("text", ["9" * 20, "9999-12-31", "99999999999d", f"{'9' * 400}d", "1969-12-31"])
def test_what_no_calendar_has_is_refused_wherever_a_moment_is_asked_for(text: str) -> None:
    for asks in (lambda: past_ms(text, NOON_MS, "--since"), lambda: moment_ms(text, NOON_MS),
                 lambda: day_ms(text, NOON_MS), lambda: instant_ms(text, "--at")):  # fmt: skip
        with pytest.raises(ExpectedError, match=r"as in|milliseconds"):
            asks()


@pytest.mark.parametrize("text", ["\u00b2\u00b2", "-5", "1e400", "soon"])
def test_what_is_no_instant_is_refused(text: str) -> None:
    with pytest.raises(ExpectedError, match="--at"):
        instant_ms(text, "--at")


@pytest.mark.parametrize("text", ["today", "2026-11-22", "20261122", " Today "])
def test_a_day_is_all_of_it(text: str) -> None:
    begin_ms, end_ms = day_ms(text, NOON_MS)
    assert (NOON_MS - begin_ms, end_ms - begin_ms) == (12 * 3_600_000, 24 * 3_600_000)


def test_no_day_is_refused() -> None:
    with pytest.raises(ExpectedError, match="--day '2026-11-31'"):
        day_ms("2026-11-31", NOON_MS)
