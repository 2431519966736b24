"""Which part of a ledger is asked about: from one moment to another, counted on the ledger's own clock."""

from datetime import UTC, datetime
from typing import Final, NamedTuple

from liqbot.exits import Exit, ExpectedError
from liqbot.review.durations import day_ms, past_ms
from liqbot.review.ledger_reader import Ledger

DAY_MS: Final = 86_400_000
_SPAN: Final = """
    SELECT MIN(first_ms) AS first_ms, MAX(last_ms) AS last_ms FROM (
        SELECT MIN(time_ms) AS first_ms, MAX(time_ms) AS last_ms FROM decision
        UNION ALL SELECT MIN(time_ms), MAX(time_ms) FROM equity
        UNION ALL SELECT MIN(time_ms), MAX(time_ms) FROM map_snapshot
        UNION ALL SELECT MIN(time_ms), MAX(time_ms) FROM incident
    ) told"""


class Period(NamedTuple):
    """Milliseconds UTC; None: without an end on that side. `to_ms` itself is not in it."""

    from_ms: int | None = None
    to_ms: int | None = None

    @property
    def whole(self) -> bool:
        """Whether nothing is left out."""
        return self.from_ms is None and self.to_ms is None

    @property
    def values(self) -> tuple[int, int]:
        """Both ends as numbers that a query compares with."""
        return self.from_ms or 0, 2**62 if self.to_ms is None else self.to_ms

    @property
    def days(self) -> tuple[str, str]:
        """The first and the last UTC day it touches, as views have them."""
        from_ms, to_ms = self.values
        return day_text(from_ms), "9999-12-31" if self.to_ms is None else day_text(to_ms - 1)

    def share(self, first_ms: int, last_ms: int) -> float:
        """Of what lasted from one moment to another: the part inside."""
        from_ms, to_ms = self.values
        inside_ms = min(last_ms, to_ms - 1) - max(first_ms, from_ms) + 1
        return max(0.0, inside_ms / (last_ms - first_ms + 1))

    def text(self) -> str:
        """For people."""
        ends = ["" if ms is None else minute_text(ms) for ms in self]
        if self.from_ms is not None and self.to_ms is not None and self.to_ms - self.from_ms == DAY_MS \
                and self.from_ms % DAY_MS == 0:
            return f"on {day_text(self.from_ms)}"
        return " ".join(word for word, end in zip((f"since {ends[0]}", f"until {ends[1]}"), ends, strict=True) if end)


EVER: Final = Period()


class LedgerSpan(NamedTuple):
    """From the first to the newest moment that a ledger tells of; None for an empty one."""

    first_ms: int | None
    last_ms: int | None

    def text(self) -> str:
        if self.first_ms is None or self.last_ms is None:
            return "nothing yet"
        return f"{minute_text(self.first_ms)} to {minute_text(self.last_ms)}"


def span_of(ledger: Ledger) -> LedgerSpan:
    """What of time a ledger tells."""
    found = ledger.rows(_SPAN)[0]
    return LedgerSpan(found["first_ms"], found["last_ms"])


def clock_of(span: LedgerSpan, wall_ms: int) -> tuple[int, str]:
    """What `2h` and `yesterday` are counted from: the clock of the wall, or the newest moment of the ledger where that
    is more than a day away (a tape, a simulated market); and which, where it is not the wall's."""
    if span.last_ms is None or abs(span.last_ms - wall_ms) <= DAY_MS:
        return wall_ms, ""
    return span.last_ms, f"counted from the newest moment of this ledger, {minute_text(span.last_ms)} UTC"


def period_named(
    ledger: Ledger, since: str | None, until: str | None, day: str | None, wall_ms: int
) -> tuple[Period, str]:
    """What `--since`, `--until` and `--day` say together, and what to note: that they are counted from the ledger's own
    clock where it is not the wall's. ExpectedError (usage) for what is no time, and for an end before the beginning."""
    given = [text for text in (since, until, day) if text is not None]
    if not given:
        return Period(), ""
    if day is not None and len(given) > 1:
        raise ExpectedError("--day: says both ends itself; leave --since and --until out", Exit.USAGE)
    now_ms, note = clock_of(span_of(ledger), wall_ms)
    if day is not None:
        found = Period(*day_ms(day, now_ms))
    else:
        found = Period(
            None if since is None else past_ms(since, now_ms, "--since"),
            None if until is None else past_ms(until, now_ms, "--until"),
        )
    if found.from_ms is not None and found.to_ms is not None and found.from_ms >= found.to_ms:
        raise ExpectedError(f"--since {since!r} is not before --until {until!r}", Exit.USAGE)
    dated = all(text.strip()[:4].isdecimal() for text in given)
    return found, "" if dated or not note else f"{', '.join(given)} {note}"


def day_text(time_ms: int) -> str:
    """As in 2025-10-10."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d")


def minute_text(time_ms: int) -> str:
    """As in 2025-10-10 21:00."""
    return datetime.fromtimestamp(time_ms / 1000, UTC).strftime("%Y-%m-%d %H:%M")
