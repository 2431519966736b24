"""`liqbot decisions`: what the strategies said and what risk said to it."""

from typing import Annotated

import typer

from liqbot.review import queries
from liqbot.review.tables import Column, print_json, print_rows
from liqbot.verbs.next_command import Books
from liqbot.verbs.options import Data, Json, LedgerDb, Limit, Profile, rows_wanted
from liqbot.verbs.period import Day, Since, Until, period_of, why_empty


def decisions(
    db: LedgerDb = None,
    data: Data = None,
    profile: Profile = "paper",
    as_json: Json = False,
    code: Annotated[str | None, typer.Option(help="Only this code, as in APPROVED, COOLDOWN or a gate's name.")] = None,
    coin: Annotated[str | None, typer.Option(help="Only this coin.")] = None,
    strategy: Annotated[str | None, typer.Option(help="Only this strategy.")] = None,
    by_code: Annotated[bool, typer.Option("--by-code", help="Count refusals by strategy and code instead.")] = False,
    since: Since = None,
    until: Until = None,
    day: Day = None,
    limit: Limit = None,
) -> None:
    """Show decisions: a row for every verdict or answer that changed, repeats counted. Stops that were moved are shown
    with --code STOP_MOVED."""
    books = Books(db, data, profile)
    wanted = {"code": code, "coin": coin and coin.upper(), "strategy": strategy}
    with books.ledger() as ledger:
        period = period_of(ledger, since, until, day)
        queries.require_known(ledger, "decision", wanted)
        if by_code:
            rows = queries.refusals(ledger, wanted, period)
            columns: tuple[Column, ...] = queries.REFUSAL_COLUMNS
        else:
            rows = queries.decisions(ledger, wanted, rows_wanted(limit), period, moves=as_json)
            columns = queries.DECISION_COLUMNS
        empty = why_empty(ledger, period, "decisions", filtered=any(wanted.values()))
        absent = queries.absent_inputs(ledger, wanted, period) if by_code else []
    if as_json:
        print_json(rows)
        return
    print_rows(rows, columns, empty=empty)
    for one in absent:
        print(one)
    if rows and not by_code:
        print(f"next: {books.command('explain', str(rows[-1]['decision']))}")
