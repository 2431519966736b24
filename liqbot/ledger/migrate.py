"""The ledger's schema: versions, upgrades, backups. Views are made anew after every upgrade: they are the interface."""

import io
import sqlite3
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, inspect
from sqlalchemy.exc import OperationalError

from liqbot import places
from liqbot.exits import Exit, ExpectedError
from liqbot.ledger.views import views

HEAD: Final = places.ledger_schema()
_SCRIPTS: Final = Path(__file__).parent / "migrations"


def upgrade(engine: Engine) -> bool:
    """To the newest schema; True when there was something to do. ExpectedError (database) for one newer than ours."""
    try:
        with engine.begin() as connection:
            if revision_of(connection) == HEAD:
                return False
            config = Config(stdout=io.StringIO())
            config.set_main_option("script_location", str(_SCRIPTS))
            config.attributes["connection"] = connection
            _require_known(config, revision_of(connection), engine)
            _drop_views(connection)
            command.upgrade(config, "head")
            for statement in views(connection.dialect.name).values():
                connection.exec_driver_sql(statement)
    except OperationalError as error:
        raise ExpectedError(f"ledger {engine.url!r}: {error.orig}", Exit.DATABASE) from error
    return True


def revision_of(connection: Connection) -> str | None:
    """The schema's version; None for an empty database."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar()
    return found


def _require_known(config: Config, revision: str | None, engine: Engine) -> None:
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if revision is not None and revision not in known:
        raise ExpectedError(
            f"ledger {engine.url!r} has schema {revision}, this program knows {HEAD}: upgrade liqbot", Exit.DATABASE
        )


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
    connection = sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)
    try:
        connection.execute("VACUUM INTO ?", (str(target),))
    except sqlite3.OperationalError as error:
        target.unlink(missing_ok=True)
        raise ExpectedError(f"backup {target}: {error}", Exit.DATABASE) from error
    except sqlite3.DatabaseError as error:
        target.unlink(missing_ok=True)
        raise ExpectedError(f"ledger {source}: cannot be copied: {error}; liqbot db check says more") from error
    finally:
        connection.close()
