"""Spans and moments of time as people type them."""

import datetime as dt
import re
from typing import Final

from liqbot.exits import Exit, ExpectedError

_UNITS_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_SPAN: Final = r"\d+(?:\.\d+)?[smhd]"
_DAY: Final = dt.timedelta(days=1)
_END_MS: Final = 253_370_764_800_000
"""Begin of the year 9999: whatever is shown or added to a moment before it is still a date, and fits every database."""


def seconds_of(text: str, option: str = "--for") -> float:
    """`90s`, `10m`, `1.5h`, `2d`; anything else is a usage error."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text.strip())
    if found is None or not 0 < float(found[1]) < _END_MS / 1_000:
        raise ExpectedError(f"{option} {text!r}: a positive number and s, m, h or d, as in 60s or 10m", Exit.USAGE)
    return float(found[1]) * _UNITS_S[found[2]]


def moment_ms(text: str, now_ms: int) -> int:
    """`18:00` (the next time it is that late, UTC), an ISO time, or a span from now as in `2h`."""
    now = _utc(now_ms)
    try:
        if re.fullmatch(_SPAN, text.strip()):
            return _a_time(now_ms + int(seconds_of(text, "--until") * 1_000))
        at_clock = _at_clock(text, now)
        if at_clock is not None:
            return _ms(at_clock + _DAY if at_clock <= now else at_clock)
        return _ms(_iso(text))
    except ValueError:
        raise ExpectedError(f"--until {text!r}: as in 18:00, 2h or 2026-11-22T18:00", Exit.USAGE) from None


def past_ms(text: str, now_ms: int, option: str) -> int:
    """`2h` (ago), `18:00` (the last time it was that late, UTC), `today`, `yesterday`, a date, an ISO time, or
    milliseconds."""
    word, now = text.strip().lower(), _utc(now_ms)
    try:
        if re.fullmatch(_SPAN, word):
            return _a_time(now_ms - int(seconds_of(word, option) * 1_000))
        if re.fullmatch(r"\d{9,}", word):
            return _a_time(int(word))
        at_clock = _at_clock(word, now)
        if at_clock is not None:
            return _ms(at_clock if at_clock <= now else at_clock - _DAY)
        return _ms(_named_day(word, now) or _iso(text))
    except ValueError:
        raise ExpectedError(
            f"{option} {text!r}: as in 2h, 18:00, yesterday, 2025-10-10 or 2025-10-10T21:00 (UTC)", Exit.USAGE
        ) from None


def instant_ms(text: str, option: str) -> int:
    """An ISO time (UTC unless it says otherwise) or milliseconds."""
    try:
        return _a_time(int(text)) if text.isdecimal() else _ms(_iso(text))
    except ValueError:
        hint = "neither an ISO time (2025-10-10T21:00) nor milliseconds"
        raise ExpectedError(f"{option} {text!r}: {hint}", Exit.USAGE) from None


def day_ms(text: str, now_ms: int, option: str = "--day") -> tuple[int, int]:
    """Begin of a UTC day and of the next: `today`, `yesterday`, `2025-10-10`, `20251010`."""
    word, now = text.strip().lower(), _utc(now_ms)
    try:
        day = _named_day(word, now) or dt.datetime.combine(dt.date.fromisoformat(word), dt.time(), dt.UTC)
        begin_ms = _ms(day)
    except ValueError:
        raise ExpectedError(f"{option} {text!r}: as in 2025-10-10, today or yesterday", Exit.USAGE) from None
    return begin_ms, int((day + _DAY).timestamp() * 1_000)


def _named_day(word: str, now: dt.datetime) -> dt.datetime | None:
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return {"now": now, "today": today, "yesterday": today - _DAY}.get(word)


def _at_clock(text: str, now: dt.datetime) -> dt.datetime | None:
    """Of the day of `now`; None for what is no time of day. ValueError for one that no clock shows."""
    found = re.fullmatch(r"(\d{1,2}):(\d{2})", text.strip())
    return None if found is None else now.replace(hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0)


def _iso(text: str) -> dt.datetime:
    moment = dt.datetime.fromisoformat(text.strip())
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)


def _utc(time_ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(time_ms / 1_000, dt.UTC)


def _ms(moment: dt.datetime) -> int:
    return _a_time(int(moment.timestamp() * 1_000))


def _a_time(time_ms: int) -> int:
    """ValueError for one that no calendar here has."""
    if not 0 <= time_ms < _END_MS:
        raise ValueError(f"{time_ms} ms: expected a time from 1970 to 9998")
    return time_ms
