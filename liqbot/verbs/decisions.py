"""`liqbot decisions`: what the strategies said and what risk said to it."""

from typing import Annotated

import typer

from liqbot.review import queries
from liqbot.review.ledger_reader import Ledger, ledger_place
from liqbot.review.tables import print_json, print_rows
from liqbot.verbs.options import Data, Json, LedgerDb, Profile


def decisions(
    db: LedgerDb = None,
    data: Data = None,
    profile: Profile = "paper",
    as_json: Json = False,
    code: Annotated[str | None, typer.Option(help="Only this code, as in APPROVED, COOLDOWN or a gate's name.")] = None,
    coin: Annotated[str | None, typer.Option(help="Only this coin.")] = None,
    strategy: Annotated[str | None, typer.Option(help="Only this strategy.")] = None,
    by_code: Annotated[bool, typer.Option("--by-code", help="Count refusals by strategy and code instead.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 50,
) -> None:
    """Show decisions: a row for every verdict or answer that changed, repeats counted."""
    with Ledger(ledger_place(db, data, profile)) as ledger:
        if by_code:
            rows = queries.refusals(ledger)
            columns: tuple[str, ...] = ("strategy", "coin", "side", "code", "times", "ticks", "last_seen")
        else:
            rows = queries.decisions(ledger, {"code": code, "coin": coin, "strategy": strategy}, limit)
            columns = queries.DECISION_COLUMNS
    if as_json:
        print_json(rows)
        return
    print_rows(rows, columns, empty="no decisions yet: the market has given no verdict")
    if rows and not by_code:
        print(f"next: liqbot explain {rows[-1]['decision']}")
