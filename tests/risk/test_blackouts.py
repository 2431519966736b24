"""Blackouts: UTC windows, weekdays and midnights."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqbot.risk.blackouts import blackout_of, in_force
from liqbot.risk.limits import RiskLimits

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOMENTS = st.datetimes(datetime(2024, 1, 1), datetime(2027, 1, 1))  # noqa: DTZ001 - made UTC below
MINUTES = st.integers(0, 1_439)


def clock(minutes: int) -> str:
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


@given(moment=MOMENTS, from_min=MINUTES, until_min=MINUTES, day=st.none() | st.sampled_from(DAYS))
def test_a_window_holds_exactly_as_the_calendar_says(
    moment: datetime, from_min: int, until_min: int, day: str | None
) -> None:
    moment = moment.replace(tzinfo=UTC)
    text = f"{day.title()} " if day else ""
    found = blackout_of(f"{text}{clock(from_min)}-{clock(until_min)}").holds(int(moment.timestamp() * 1000))
    long_min = (until_min - from_min) % 1_440 or 1_440
    midnight = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    begun = [
        midnight + timedelta(days=back, minutes=from_min) for back in (0, -1)
    ]
    holds = any(
        start <= moment < start + timedelta(minutes=long_min) and (day is None or DAYS[start.weekday()] == day)
        for start in begun
    )
    assert found == holds


@pytest.mark.parametrize(
    "text", ["13:25", "25:00-26:00", "13:60-14:00", "Foo 13:00-14:00", "13:00-24:01", "1:00-2:00", "13:00 - 14:00", ""]
)
def test_what_is_no_window_is_refused_with_the_right_form(text: str) -> None:
    with pytest.raises(ValueError, match=r"hours go from|write a window"):
        blackout_of(text)
    with pytest.raises(ValueError, match="blackouts"):
        RiskLimits(blackouts=(text,))


def test_the_window_in_force_is_named() -> None:
    noon_ms = int(datetime(2026, 5, 1, 12, tzinfo=UTC).timestamp() * 1000)
    windows = ("13:00-14:00", "Fri 11:30-12:30", "00:00-24:00")
    assert in_force(windows, noon_ms) == "Fri 11:30-12:30"
    assert in_force(windows[:2], noon_ms + 86_400_000) == ""
