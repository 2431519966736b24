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
from liqbot.journal.shape import FIRST_FORMAT, FIRST_FORMAT_ID, Shape

APPLICATION_ID: Final = 0x6C697162
JOURNAL_ID_LENGTH: Final = 6
_BUSY_MS: Final = 250
_STAMPED: Final = ("journal_id", "mode", "account", "roster", "retained_seq")

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
"""The first format. It never changes: what came later is in `_UPGRADES`."""
_UPGRADES: Final = (
    """
CREATE TABLE shape (id INTEGER PRIMARY KEY, kinds TEXT NOT NULL UNIQUE);
ALTER TABLE market ADD COLUMN shape INTEGER NOT NULL DEFAULT 0;
ALTER TABLE step ADD COLUMN from_seq INTEGER
""",
)
"""Each leads from one version of the tables to the next. Readers take columns added here by their place in a row."""
SCHEMA_VERSION: Final = 1 + len(_UPGRADES)


class Stamp(msgspec.Struct, frozen=True):
    """Whose journal this is. `retained_seq` is the first record from which on nothing has been dropped."""

    journal_id: str
    mode: str
    account: str
    schema_version: int
    roster: Roster
    retained_seq: int
    shapes: dict[int, Shape]
    """The columns of every program that wrote records here, by the number that a record gives."""


def new_journal_id() -> str:
    """Six random characters: client order ids begin with them, so a new journal never collides with old orders."""
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
    """Tables and stamp of a new journal, in one transaction."""
    values = {
        "journal_id": new_journal_id(), "mode": mode, "account": account,
        "roster": msgspec.json.encode(roster).decode(), "retained_seq": "1",
    }
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("BEGIN IMMEDIATE")
    for statement in ";".join((_TABLES, *_UPGRADES)).split(";"):
        connection.execute(statement)
    connection.executemany("INSERT INTO stamp VALUES (?, ?)", values.items())
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")


def upgrade(connection: sqlite3.Connection, version: int) -> None:
    """Tables of an older version become today's, in one transaction. Nothing stored is written anew."""
    if version == SCHEMA_VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    for statement in ";".join(_UPGRADES[version - 1 :]).split(";"):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute("COMMIT")


def shape_id(connection: sqlite3.Connection, shape: Shape) -> int:
    """The number of a shape in this journal, given now if it has none."""
    encoded = shape.encoded()
    known = connection.execute("SELECT id FROM shape WHERE kinds = ?", (encoded,)).fetchone()
    if known is not None:
        return int(known[0])
    return int(connection.execute("INSERT INTO shape (kinds) VALUES (?) RETURNING id", (encoded,)).fetchone()[0])


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
        kinds = dict(connection.execute("SELECT id, kinds FROM shape")) if version > 1 else {}
    except sqlite3.Error as error:
        raise CorruptRecordError(f"{path} is not a readable journal: {error}") from error
    return _stamp(version, values, kinds, path)


def _stamp(version: int, values: dict[str, str], kinds: dict[int, str], path: pathlib.Path) -> Stamp:
    missing = [name for name in _STAMPED if not isinstance(values.get(name), str)]
    if missing:
        raise CorruptRecordError(f"journal {path}: its stamp has no {missing[0]}")
    shapes = {FIRST_FORMAT_ID: FIRST_FORMAT}
    for number, encoded in kinds.items():
        try:
            shapes[number] = Shape.decoded(encoded)
        except CorruptRecordError as error:
            raise CorruptRecordError(f"journal {path}: shape {number} of its columns: {error}") from error
    try:
        roster = msgspec.json.decode(values["roster"], type=Roster)
    except (msgspec.DecodeError, ValueError) as error:
        raise CorruptRecordError(f"journal {path}: the roster in its stamp does not decode: {error}") from error
    if not values["retained_seq"].isdecimal():
        raise CorruptRecordError(
            f"journal {path}: retained_seq in its stamp is {values['retained_seq']!r}, a whole number is right"
        )
    return Stamp(
        journal_id=values["journal_id"], mode=values["mode"], account=values["account"], schema_version=version,
        roster=roster, retained_seq=int(values["retained_seq"]), shapes=shapes,
    )


def require_same(stamp: Stamp, mode: str, account: str, roster: Roster, path: pathlib.Path) -> None:
    """StampMismatchError that names both sides when the journal belongs to something else."""
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
