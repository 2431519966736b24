"""Blackouts: times of day, UTC, in which nothing is entered, as a profile writes them."""

import re
from functools import cache
from typing import Final, NamedTuple

_DAYS: Final = ("thu", "fri", "sat", "sun", "mon", "tue", "wed")
"""The first millisecond of the epoch was a Thursday's."""
_MINUTE_MS: Final = 60_000
_DAY_MIN: Final = 1_440
_WRITTEN: Final = re.compile(r"(?:([A-Za-z]{3})\s+)?(\d\d):(\d\d)-(\d\d):(\d\d)")


class Blackout(NamedTuple):
    """From a minute of the UTC day up to another; one that ends before it begins lasts over midnight. `day`: the one it
    begins on, None for every day."""

    day: str | None
    from_min: int
    until_min: int

    def holds(self, time_ms: int) -> bool:
        minutes = time_ms // _MINUTE_MS
        at_min, today = minutes % _DAY_MIN, minutes // _DAY_MIN
        over_midnight = self.until_min <= self.from_min
        if self._begins(today) and at_min >= self.from_min and (over_midnight or at_min < self.until_min):
            return True
        return over_midnight and self._begins(today - 1) and at_min < self.until_min

    def _begins(self, day: int) -> bool:
        return self.day is None or _DAYS[day % len(_DAYS)] == self.day


@cache
def blackout_of(text: str) -> Blackout:
    """Of `13:25-14:00` or `Fri 12:25-13:30`. ValueError for anything else."""
    found = _WRITTEN.fullmatch(text.strip())
    day = found[1].lower() if found is not None and found[1] else None
    if found is None or (day is not None and day not in _DAYS):
        raise ValueError(f"{text!r}: write a window of UTC times as 13:25-14:00, of one weekday as Fri 12:25-13:30")
    from_hour, from_minute, until_hour, until_minute = (int(number) for number in found.groups()[1:])
    if max(from_minute, until_minute) > 59 or from_hour > 23 or until_hour * 60 + until_minute > _DAY_MIN:
        raise ValueError(f"{text!r}: hours go from 00 to 23 (24:00 ends a day), minutes from 00 to 59")
    return Blackout(day, from_hour * 60 + from_minute, until_hour * 60 + until_minute)


def in_force(windows: tuple[str, ...], time_ms: int) -> str:
    """The first of these windows that holds at a time; empty when none does."""
    return next((text for text in windows if blackout_of(text).holds(time_ms)), "")
