"""`liqbot trades`: our round trips."""

from typing import Annotated

import typer

from liqbot.review import queries
from liqbot.review.tables import Column, print_json, print_rows
from liqbot.verbs.next_command import Books
from liqbot.verbs.options import Data, Json, LedgerDb, Limit, Profile, rows_wanted
from liqbot.verbs.period import Day, Since, Until, period_of, why_empty


def trades(
    db: LedgerDb = None,
    data: Data = None,
    profile: Profile = "paper",
    as_json: Json = False,
    only_open: Annotated[bool, typer.Option("--open", help="Only trades that are open.")] = False,
    coin: Annotated[str | None, typer.Option(help="Only this coin.")] = None,
    strategy: Annotated[str | None, typer.Option(help="Only this strategy.")] = None,
    since: Since = None,
    until: Until = None,
    day: Day = None,
    limit: Limit = None,
) -> None:
    """Show trades: entry, exit, gross, fees and funding apart, and the result in units of the risk taken."""
    books = Books(db, data, profile)
    named = {"coin": coin and coin.upper(), "strategy": strategy}
    with books.ledger() as ledger:
        period = period_of(ledger, since, until, day)
        queries.require_known(ledger, "decision", named)
        rows = queries.trades(ledger, named | {"status": "open" if only_open else None}, rows_wanted(limit), period)
        empty = why_empty(ledger, period, "trades", filtered=only_open or any(named.values()))
    if as_json:
        print_json(rows)
        return
    unvalued = any(row[queries.FEES_OTHER] for row in rows)
    columns = (*queries.TRADE_COLUMNS, *([Column(queries.FEES_OTHER, rank=1)] if unvalued else []))
    print_rows(rows, columns, empty=f"{empty}: {books.command('decisions', '--by-code')} says why not")
    if rows:
        print(f"next: {books.command('explain', 't' + str(rows[-1]['trade_id']))}")
