"""A new ledger's tables as the migrations make them, without running every migration for each of hundreds of ledgers:
the first time they run, on an empty database; then what they made there is made again."""

import functools
from typing import Any, Final

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, create_engine

MIGRATED: Final = command.upgrade
"""Alembic's own."""
_OBJECTS: Final = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL ORDER BY rowid"


def upgrade(config: Config, revision: str, **how: Any) -> None:
    """In place of alembic's: for all but an empty SQLite ledger that is to have the newest schema, alembic's itself."""
    connection = config.attributes["connection"]
    if revision != "head" or how or not _is_empty(connection):
        MIGRATED(config, revision, **how)
        return
    for statement, *values in _made(config.get_main_option("script_location") or ""):
        connection.exec_driver_sql(statement, tuple(values))


def _is_empty(connection: Connection) -> bool:
    if connection.dialect.name != "sqlite":
        return False
    return connection.exec_driver_sql("SELECT count(*) FROM sqlite_master").scalar() == 0


@functools.cache
def _made(scripts: str) -> list[tuple[Any, ...]]:
    """The statements that make what the migrations make."""
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        config = Config()
        config.set_main_option("script_location", scripts)
        config.attributes["connection"] = connection
        MIGRATED(config, "head")
        found: list[tuple[Any, ...]] = [(sql,) for (sql,) in connection.exec_driver_sql(_OBJECTS)]
        for (table,) in connection.exec_driver_sql("SELECT name FROM sqlite_master WHERE type = 'table'").all():
            rows = connection.exec_driver_sql(f'SELECT * FROM "{table}"')
            found += [(f'INSERT INTO "{table}" VALUES ({", ".join("?" * len(row))})', *row) for row in rows]
    engine.dispose()
    return found
