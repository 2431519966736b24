"""Spans and moments of time as people type them."""

import datetime as dt
import re
from typing import Final

from liqbot.exits import Exit, ExpectedError

_UNITS_S: Final = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def seconds_of(text: str, option: str = "--for") -> float:
    """`90s`, `10m`, `1.5h`, `2d`; anything else is a usage error."""
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd])", text.strip())
    if found is None or float(found[1]) <= 0:
        raise ExpectedError(f"{option} {text!r}: a positive number and s, m, h or d, as in 60s or 10m", Exit.USAGE)
    return float(found[1]) * _UNITS_S[found[2]]


def moment_ms(text: str, now_ms: int) -> int:
    """`18:00` (the next time it is that late, UTC), an ISO time, or a span from now as in `2h`."""
    if re.fullmatch(r"\d+(?:\.\d+)?[smhd]", text.strip()):
        return now_ms + int(seconds_of(text, "--until") * 1_000)
    now = dt.datetime.fromtimestamp(now_ms / 1_000, dt.UTC)
    clock = re.fullmatch(r"(\d{1,2}):(\d{2})", text.strip())
    try:
        if clock is not None:
            moment = now.replace(hour=int(clock[1]), minute=int(clock[2]), second=0, microsecond=0)
            moment += dt.timedelta(days=1) if moment <= now else dt.timedelta()
        else:
            moment = dt.datetime.fromisoformat(text)
            moment = moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)
    except ValueError:
        raise ExpectedError(f"--until {text!r}: as in 18:00, 2h or 2026-11-22T18:00", Exit.USAGE) from None
    return int(moment.timestamp() * 1_000)
