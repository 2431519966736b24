"""`liqbot report`: what happened since, why, what it cost, what was not done, and how right the map was."""

from pathlib import Path
from typing import Annotated

import typer

from liqbot.exits import Exit, ExpectedError
from liqbot.review.period import Period
from liqbot.review.reports.morning import last_day, morning_report
from liqbot.review.reports.morning_text import morning_text
from liqbot.review.tables import print_json, screen_width
from liqbot.verbs.next_command import Books
from liqbot.verbs.options import Data, Json, LedgerDb, Profile
from liqbot.verbs.period import Day, Since, Until, period_of


def report(
    db: LedgerDb = None,
    data: Data = None,
    profile: Profile = "paper",
    since: Since = None,
    until: Until = None,
    day: Day = None,
    full: Annotated[bool, typer.Option("--full", help="All rows of every table.")] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write one page with pictures; it needs no network.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Report on the last 24 hours of the ledger, or on the time named: trades with their reasons, equity, costs,
    refusals with what they would have earned, near misses, the map then and now, feeds, time without a stop."""
    books = Books(db, data, profile)
    with books.ledger() as ledger:
        period = period_of(ledger, since, until, day)
        found = morning_report(ledger, last_day(ledger) if period == Period() else period)
    if html is not None:
        _write(html, found)
    if as_json:
        print_json(found)
    elif html is None:
        print(morning_text(found, books.command, full=full, width=screen_width()))


def _write(path: Path, found: dict[str, object]) -> None:
    """ExpectedError (failed) where the file cannot be written."""
    from liqbot.review.reports.morning_page import morning_page  # here: pictures take their time to import

    try:
        path.write_text(morning_page(found), encoding="utf-8")
    except OSError as error:
        raise ExpectedError(f"--html {path}: {error.strerror}", Exit.FAILED) from None
    print(f"page      {path}")
