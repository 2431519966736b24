"""Everything that lies in a ledger."""

from typing import Any

from sqlalchemy import select

from liqbot.ledger.connect import engine_for
from liqbot.ledger.tables import TABLES, core


def ledger_rows(url: str) -> dict[str, list[Any]]:
    """Rows by table, in the order of their ids."""
    engine = engine_for(url)
    with engine.connect() as connection:
        found = {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(table.c.id))]
            for table in map(core, TABLES)
        }
    engine.dispose()
    return found
