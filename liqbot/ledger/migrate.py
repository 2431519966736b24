"""The ledger's schema: versions, upgrades, backups. Views are made anew after every upgrade: they are the interface."""

import contextlib
import io
import sqlite3
import threading
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import OperationalError

from liqbot import places, sqlite_files
from liqbot.exits import Exit, ExpectedError
from liqbot.ledger.views import views
from liqbot.legible import one_line

HEAD: Final = places.ledger_schema()
_SCRIPTS: Final = Path(__file__).parent / "migrations"
_ONE_AT_A_TIME: Final = threading.Lock()
"""The library keeps the upgrade that runs in globals of its modules: of two at once in a process, one fails or both."""


def upgrade(engine: Engine) -> bool:
    """To the newest schema, with all its views; True when there was something to do. ExpectedError (database) for one
    newer than ours."""
    try:
        with engine.begin() as connection:
            if revision_of(connection) == HEAD and _has_views(connection):
                return False
            config = Config(stdout=io.StringIO())
            config.set_main_option("script_location", str(_SCRIPTS))
            config.attributes["connection"] = connection
            _require_known(revision_of(connection), engine)
            _drop_views(connection)
            with _ONE_AT_A_TIME:
                command.upgrade(config, "head")
            for statement in views(connection.dialect.name).values():
                connection.exec_driver_sql(statement)
    except OperationalError as error:
        raise ExpectedError(f"ledger {engine.url!r}: {one_line(error.orig)}", Exit.DATABASE) from error
    return True


def revision_of(connection: Connection) -> str | None:
    """The schema's version; None for an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return found


def known_revisions() -> frozenset[str]:
    """All versions of the schema that this program can bring up to date."""
    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(_SCRIPTS))
    return frozenset(script.revision for script in ScriptDirectory.from_config(config).walk_revisions())


def _require_known(revision: str | None, engine: Engine) -> None:
    if revision is not None and revision not in known_revisions():
        raise ExpectedError(
            f"ledger {engine.url!r} has schema {revision}, this program knows {HEAD}: upgrade liqbot", Exit.DATABASE
        )


def _has_views(connection: Connection) -> bool:
    return set(views(connection.dialect.name)) <= set(inspect(connection).get_view_names())


def _drop_views(connection: Connection) -> None:
    # Newest first: a view may stand on an older one.
    for name in reversed(views(connection.dialect.name)):
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {name}")


def backup(source: Path, target: Path) -> None:
    """A consistent copy of a SQLite ledger, made while it may be being written. Refuses to overwrite."""
    if not source.is_file():
        raise ExpectedError(f"ledger {source}: no such file", Exit.NOT_FOUND)
    if target.exists():
        raise ExpectedError(f"backup {target}: exists already; name a new file", Exit.DATABASE)
    try:
        with contextlib.closing(sqlite_files.connect_reading(source)) as connection:
            sqlite_files.copy_compact(connection, target)
    except sqlite3.OperationalError as error:
        raise ExpectedError(f"backup {target}: {sqlite_files.explained(error)}", Exit.DATABASE) from error
    except sqlite3.DatabaseError as error:
        raise ExpectedError(f"ledger {source}: cannot be copied: {error}; liqbot db rebuild makes it anew") from error
    except OSError as error:
        raise ExpectedError(f"backup {target}: {error.strerror}", Exit.DATABASE) from error
