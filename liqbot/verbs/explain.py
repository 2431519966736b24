"""`liqbot explain ID`: one decision from its inputs to its outcome."""

from typing import Annotated

import typer

from liqbot.review.explain import decision_row, explained
from liqbot.review.explain_summary import as_summary
from liqbot.review.explain_text import as_text
from liqbot.review.tables import print_json, screen_height, screen_width
from liqbot.verbs.next_command import Books
from liqbot.verbs.options import Data, Json, LedgerDb, Profile


def explain(
    name: Annotated[
        str, typer.Argument(metavar="ID", help="A decision (17), a trade (t3), an entry (d2) or a client order id.")
    ],
    full: Annotated[bool, typer.Option("--full", help="Everything: inputs, all gates, orders, every stop.")] = False,
    db: LedgerDb = None,
    data: Data = None,
    profile: Profile = "paper",
    as_json: Json = False,
) -> None:
    """Explain a decision: why in, why out, where price went, gates and map. --full adds inputs, orders and stops."""
    books = Books(db, data, profile)
    with books.ledger() as ledger:
        story = explained(ledger, decision_row(ledger, name))
    if as_json:
        print_json(story)
    elif full:
        print(as_text(story))
    else:
        at = story["decision"]["first_seen"]
        # Only a journal has the map of any moment.
        exact = Books(None, data, profile).command("map", "--coin", story["decision"]["coin"], "--at", at)
        more = books.command("explain", name, "--full")
        print(as_summary(story, more, exact, height=screen_height() or 24, width=screen_width() or 100))
