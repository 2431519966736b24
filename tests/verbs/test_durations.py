"""Spans and moments as people type them."""

import datetime as dt

import pytest

from liqbot.exits import ExpectedError
from liqbot.verbs.durations import moment_ms, seconds_of

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
