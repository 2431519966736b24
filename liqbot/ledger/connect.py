"""Opening the ledger's database, whichever it is."""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from liqbot.exits import Exit, ExpectedError
from liqbot.legible import without_passwords
from liqbot.private_files import PRIVATE_DIRECTORY, make_private_file


def sqlite_url(path: Path) -> str:
    """The URL of a ledger file."""
    return f"sqlite:///{path}"


def engine_for(url: str) -> Engine:
    """An engine for a SQLite or PostgreSQL URL; ExpectedError for any other. The folder of a SQLite file is made."""
    try:
        where = make_url(url)
    except ArgumentError:
        message = f"ledger url {without_passwords(url)!r}: expected sqlite:///FILE or postgresql://HOST/NAME"
        raise ExpectedError(message, Exit.CONFIG) from None
    if where.drivername in ("postgresql", "postgres"):
        where = where.set(drivername="postgresql+psycopg")
    if where.get_backend_name() not in ("sqlite", "postgresql"):
        raise ExpectedError(f"ledger url: {where.get_backend_name()} is neither sqlite nor postgresql", Exit.CONFIG)
    if where.get_backend_name() == "sqlite" and where.database:
        _make_file(Path(where.database))
    try:
        engine = create_engine(where)
    except ModuleNotFoundError as error:
        raise ExpectedError(f"ledger on postgresql needs the package {error.name}", Exit.CONFIG) from None
    if where.get_backend_name() == "sqlite":
        event.listen(engine, "connect", _write_ahead)
        event.listen(engine, "begin", _begin)
    return engine


def _make_file(path: Path) -> None:
    try:
        path.parent.mkdir(PRIVATE_DIRECTORY, parents=True, exist_ok=True)
    except OSError as error:
        raise ExpectedError(f"ledger {path}: {error.strerror}", Exit.DATABASE) from error
    try:
        make_private_file(path)
    except ExpectedError as error:
        raise ExpectedError(f"ledger {error}", Exit.DATABASE) from error


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _write_ahead(connection: sqlite3.Connection, _: Any) -> None:
    # Transactions begin where SQLAlchemy says: sqlite3's own do not hold statements that make tables, so that an
    # upgrade which met a lock halfway would leave half of them.
    connection.isolation_level = None
    connection.execute("PRAGMA busy_timeout = 2000")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
