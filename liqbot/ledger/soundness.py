"""Is the ledger's file one that can be written on? It can be made anew from the journal, so a damaged one stops nobody:
it is moved aside, kept, and a new one is begun in its place."""

import contextlib
import sqlite3
import time
from pathlib import Path
from typing import Final

import structlog
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from liqbot import sqlite_files
from liqbot.exits import Exit, ExpectedError
from liqbot.ledger.migrate import known_revisions
from liqbot.ledger.tables import TABLES, core

LOOK_S_MAX: Final = 0.5
"""A start waits no longer for SQLite's own check: what a large file hides after that is found by `liqbot db check`."""
_STEPS_BETWEEN_LOOKS: Final = 100_000
_log = structlog.get_logger(__name__)


def file_of(url: str) -> Path | None:
    """The file behind a SQLite URL; None for another database."""
    try:
        where = make_url(url)
    except ArgumentError:
        return None
    is_file = where.get_backend_name() == "sqlite" and where.database not in (None, "", ":memory:")
    return Path(str(where.database)) if is_file else None


def move_aside_if_damaged(url: str, journal_id: str, last_seq: int) -> Path | None:
    """Where a ledger that cannot be written on is kept from now on, said in one line of the log; None when it is sound,
    new or locked, or no file. `last_seq` is the last record of the journal: a ledger that tells of more would pass over
    the next ones. ExpectedError (database) when it cannot be moved."""
    path = file_of(url)
    reason = None if path is None else damage(path, journal_id, last_seq)
    if path is None or reason is None:
        return None
    try:
        kept = sqlite_files.move_aside(path, "damaged")
    except OSError as error:
        raise ExpectedError(f"ledger {path}: {reason}; it cannot be moved: {error.strerror}", Exit.DATABASE) from error
    _log.error("the ledger cannot be used: kept aside, and made anew from the journal", reason=reason, kept=str(kept))
    return kept


def journals_told_of(url: str) -> tuple[str, ...]:
    """The ids of the journals that a ledger file has read anything of; empty for none that can be read."""
    path = file_of(url)
    if path is None or not path.is_file():
        return ()
    try:
        with contextlib.closing(sqlite_files.connect_reading(path)) as connection:
            found = connection.execute('SELECT journal_id FROM "offset" WHERE seq > 0 ORDER BY journal_id').fetchall()
    except (sqlite3.Error, OSError):
        return ()
    return tuple(str(journal_id) for (journal_id,) in found)


def damage(path: Path, journal_id: str = "", last_seq: int | None = None) -> str | None:
    """What is wrong with a ledger file. None when nothing is, when there is no file, and when it is locked: that
    passes."""
    try:
        if not path.is_file() or not path.stat().st_size:
            return None
        connection = sqlite_files.connect_reading(path)
    except OSError as error:
        return str(error.strerror)
    except sqlite3.Error as error:
        return None if _is_locked(error) else str(error)
    try:
        return _damage(connection, journal_id, last_seq)
    except sqlite3.Error as error:
        return None if _is_locked(error) else str(error)
    finally:
        connection.close()


def _damage(connection: sqlite3.Connection, journal_id: str, last_seq: int | None) -> str | None:
    word = _quick_check(connection)
    if word != "ok":
        return word
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    if "alembic_version" not in tables:
        return None  # new, or another program's, which is nothing to move
    found = connection.execute("SELECT version_num FROM alembic_version").fetchall()
    if len(found) != 1 or found[0][0] not in known_revisions():
        return f"its schema {', '.join(str(one) for (one,) in found) or 'has no version'} is not one of this program"
    missing = sorted({"offset", "fold_state", *(core(table).name for table in TABLES[:1])} - tables)
    if missing and found[0][0] != "0001":
        return f"table {missing[0]} is missing"
    ahead = connection.execute('SELECT seq FROM "offset" WHERE journal_id = ?', (journal_id,)).fetchone()
    if ahead is not None and last_seq is not None and ahead[0] > last_seq:
        return f"it tells of {ahead[0]} records, and the journal has {last_seq}: the others are lost there"
    return None


def _quick_check(connection: sqlite3.Connection) -> str:
    until_s = time.monotonic() + LOOK_S_MAX
    connection.set_progress_handler(lambda: time.monotonic() > until_s, _STEPS_BETWEEN_LOOKS)
    try:
        (word,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return "ok"
    finally:
        connection.set_progress_handler(None, 0)
    return str(word)


def _is_locked(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
