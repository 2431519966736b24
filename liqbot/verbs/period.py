"""`--since`, `--until` and `--day` of the reading verbs."""

import sys
import time
from typing import Annotated

import typer

from liqbot.review.ledger_reader import Ledger
from liqbot.review.period import Period, period_named, span_of

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
    found, note = period_named(ledger, since, until, day, time.time_ns() // 1_000_000)
    if note:
        print(f"note: {note}", file=sys.stderr)
    return found


def why_empty(ledger: Ledger, period: Period, what: str, *, filtered: bool) -> str:
    """What it means that a table has no rows."""
    if period.whole:
        return f"no such {what}" if filtered else f"no {what} yet"
    return f"no {'such ' if filtered else ''}{what} {period.text()} (the ledger tells of {span_of(ledger).text()})"
