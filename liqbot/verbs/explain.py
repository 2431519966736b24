"""`liqbot explain ID`: one decision from its inputs to its outcome."""

from typing import Annotated

import typer

from liqbot.review.explain import decision_row, explained
from liqbot.review.explain_text import as_text
from liqbot.review.ledger_reader import Ledger, ledger_place
from liqbot.review.tables import print_json
from liqbot.verbs.options import Data, Json, LedgerDb, Profile


def explain(
    name: Annotated[
        str, typer.Argument(metavar="ID", help="A decision (17), a trade (t3) or a client order id.")
    ],
    db: LedgerDb = None,
    data: Data = None,
    profile: Profile = "paper",
    as_json: Json = False,
) -> None:
    """Explain a decision: inputs, every gate with value and threshold, risk checks, the map, orders, fills, outcome."""
    with Ledger(ledger_place(db, data, profile)) as ledger:
        story = explained(ledger, decision_row(ledger, name))
    if as_json:
        print_json(story)
    else:
        print(as_text(story))
