"""`liqbot trades`: our round trips."""

from typing import Annotated

import typer

from liqbot.review import queries
from liqbot.review.ledger_reader import Ledger, ledger_place
from liqbot.review.tables import print_json, print_rows
from liqbot.verbs.options import Data, Json, LedgerDb, Profile


def trades(
    db: LedgerDb = None,
    data: Data = None,
    profile: Profile = "paper",
    as_json: Json = False,
    only_open: Annotated[bool, typer.Option("--open", help="Only trades that are open.")] = False,
    coin: Annotated[str | None, typer.Option(help="Only this coin.")] = None,
    strategy: Annotated[str | None, typer.Option(help="Only this strategy.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50,
) -> None:
    """Show trades: entry, exit, gross, fees and funding apart, and the result in units of the risk taken."""
    wanted = {"status": "open" if only_open else None, "coin": coin, "strategy": strategy}
    with Ledger(ledger_place(db, data, profile)) as ledger:
        rows = queries.trades(ledger, wanted, limit)
    if as_json:
        print_json(rows)
        return
    columns = (*queries.TRADE_COLUMNS, *([queries.FEES_OTHER] if any(row[queries.FEES_OTHER] for row in rows) else []))
    print_rows(rows, columns, empty="no trades yet: liqbot decisions shows why not")
