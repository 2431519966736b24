"""The journal's tables, its stamp, and how a connection to it is opened.

Market rows lie in a table of their own, so that retention can drop them and leave facts, intents and steps for ever.
"""

import pathlib
import secrets
import sqlite3
import string
from typing import Final

import msgspec

from liqbot.blocks import Roster
from liqbot.journal.errors import (
    CorruptRecordError,
    JournalMissingError,
    JournalNewerError,
    JournalUnwritableError,
    StampMismatchError,
)

SCHEMA_VERSION: Final = 1
APPLICATION_ID: Final = 0x6C697162
JOURNAL_ID_LENGTH: Final = 6
_BUSY_MS: Final = 250

_TABLES: Final = """
CREATE TABLE stamp (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE block (
    seq INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, tick_ms INTEGER, backfilled INTEGER NOT NULL,
    lag_ms INTEGER NOT NULL, source TEXT NOT NULL, source_seq INTEGER NOT NULL,
    market_rows INTEGER NOT NULL, facts BLOB);
CREATE INDEX block_time ON block (time_ms) WHERE backfilled = 0;
CREATE TABLE market (seq INTEGER PRIMARY KEY, rows BLOB NOT NULL);
CREATE TABLE step (seq INTEGER PRIMARY KEY, digest BLOB NOT NULL, step BLOB);
CREATE TABLE snapshot (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, seq INTEGER NOT NULL, version TEXT NOT NULL,
    checksum BLOB NOT NULL, data BLOB NOT NULL);
CREATE TABLE durable (one INTEGER PRIMARY KEY CHECK (one = 1), commits INTEGER NOT NULL);
INSERT INTO durable VALUES (1, 0);
"""


class Stamp(msgspec.Struct, frozen=True):
    """Whose book this is. `retained_seq` is the first record from which on nothing has been dropped."""

    journal_id: str
    mode: str
    account: str
    schema_version: int
    roster: Roster
    retained_seq: int = 1


def new_journal_id() -> str:
    """Six random characters: client order ids begin with them, so a new book never collides with old orders."""
    alphabet = string.ascii_lowercase + string.digits
    return "".join(secrets.choice(alphabet) for _ in range(JOURNAL_ID_LENGTH))


def connect_writing(path: pathlib.Path) -> sqlite3.Connection:
    """A connection in WAL mode without implicit transactions; JournalUnwritableError when that cannot be."""
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA wal_autocheckpoint = 4000")
    except sqlite3.Error as error:
        raise JournalUnwritableError(f"journal {path}: {error}") from error
    return connection


def connect_reading(path: pathlib.Path) -> sqlite3.Connection:
    """A read-only connection that takes no lock; JournalMissingError when there is no such file."""
    if not path.is_file():
        raise JournalMissingError(f"journal {path}: no such file; `liqbot paper` makes one")
    try:
        return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, isolation_level=None)
    except sqlite3.Error as error:
        raise JournalMissingError(f"journal {path}: {error}") from error


def create(connection: sqlite3.Connection, mode: str, account: str, roster: Roster) -> None:
    """Tables and stamp of a new book, in one transaction."""
    values = {
        "journal_id": new_journal_id(), "mode": mode, "account": account,
        "roster": msgspec.json.encode(roster).decode(), "retained_seq": "1",
    }
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("BEGIN IMMEDIATE")
    for statement in _TABLES.split(";"):
        connection.execute(statement)
    connection.executemany("INSERT INTO stamp VALUES (?, ?)", values.items())
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")


def is_empty(connection: sqlite3.Connection) -> bool:
    """A file without tables: about to become a journal."""
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return bool(tables == 0)


def read_stamp(connection: sqlite3.Connection, path: pathlib.Path) -> Stamp:
    """The stamp; JournalNewerError for a newer schema, CorruptRecordError when this is no journal."""
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        if application != APPLICATION_ID:
            raise CorruptRecordError(f"{path} is not a liqbot journal")
        if version > SCHEMA_VERSION:
            raise JournalNewerError(
                f"journal {path} has schema {version}, this program knows {SCHEMA_VERSION}: upgrade liqbot"
            )
        values = dict(connection.execute("SELECT key, value FROM stamp"))
    except sqlite3.Error as error:
        raise CorruptRecordError(f"{path} is not a readable journal: {error}") from error
    return Stamp(
        journal_id=values["journal_id"], mode=values["mode"], account=values["account"], schema_version=version,
        roster=msgspec.json.decode(values["roster"], type=Roster), retained_seq=int(values["retained_seq"]),
    )


def require_same(stamp: Stamp, mode: str, account: str, roster: Roster, path: pathlib.Path) -> None:
    """StampMismatchError that names both sides when the book belongs to something else."""
    for name, found, wanted in (
        ("mode", stamp.mode, mode),
        ("account", stamp.account, account),
        ("venues", ", ".join(stamp.roster.venues), ", ".join(roster.venues)),
        ("coins", ", ".join(stamp.roster.coins), ", ".join(roster.coins)),
    ):
        if found != wanted:
            raise StampMismatchError(
                f"journal {path} belongs to {name} {found!r}, not {wanted!r}: use another data folder"
            )
