"""`--since`, `--until` and `--day` of the reading verbs."""

import sys
import time
from typing import Annotated

import typer

from liqbot.exits import Exit, ExpectedError
from liqbot.review.ledger_reader import Ledger
from liqbot.review.period import Period, clock_of, span_of
from liqbot.verbs.durations import day_ms, past_ms

Since = Annotated[
    str | None, typer.Option("--since", metavar="TIME", help="From then on: 2h, 18:00, yesterday, 2025-10-10 (UTC).")
]
Until = Annotated[str | None, typer.Option("--until", metavar="TIME", help="Before then; written likewise.")]
Day = Annotated[
    str | None, typer.Option("--day", metavar="DAY", help="That UTC day alone: 2025-10-10, today or yesterday.")
]


def period_of(ledger: Ledger, since: str | None, until: str | None, day: str | None) -> Period:
    """What the three say together. ExpectedError (usage) for what is no time, and for an end before the beginning. On
    the clock of the ledger, which is said where it matters and is not the wall's."""
    given = [text for text in (since, until, day) if text is not None]
    if not given:
        return Period()
    if day is not None and len(given) > 1:
        raise ExpectedError("--day: says both ends itself; leave --since and --until out", Exit.USAGE)
    now_ms, note = clock_of(span_of(ledger), time.time_ns() // 1_000_000)
    if day is not None:
        found = Period(*day_ms(day, now_ms))
    else:
        found = Period(
            None if since is None else past_ms(since, now_ms, "--since"),
            None if until is None else past_ms(until, now_ms, "--until"),
        )
    if found.from_ms is not None and found.to_ms is not None and found.from_ms >= found.to_ms:
        raise ExpectedError(f"--since {since!r} is not before --until {until!r}", Exit.USAGE)
    if note and not all(text.strip()[:4].isdecimal() for text in given):
        print(f"note: {', '.join(given)} {note}", file=sys.stderr)
    return found


def why_empty(ledger: Ledger, period: Period, what: str, *, filtered: bool) -> str:
    """What it means that a table has no rows."""
    if period.whole:
        return f"no such {what}" if filtered else f"no {what} yet"
    return f"no {'such ' if filtered else ''}{what} {period.text()} (the ledger tells of {span_of(ledger).text()})"
