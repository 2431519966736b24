"""The journal's tables, its stamp, and how a connection to it is opened.

Market rows lie in a table of their own, so that retention can drop them and leave facts, intents and steps for ever.
"""

import os
import pathlib
import secrets
import sqlite3
import string
from typing import Final

import msgspec

from liqbot import sqlite_files
from liqbot.blocks import Roster
from liqbot.exits import ExpectedError
from liqbot.journal.errors import (
    BEGIN_ANEW,
    PUT_BACK,
    REPAIR,
    CorruptRecordError,
    JournalMissingError,
    JournalNewerError,
    JournalUnwritableError,
    RecordsMissingError,
    StampMismatchError,
)
from liqbot.journal.shape import FIRST_FORMAT, FIRST_FORMAT_ID, Shape
from liqbot.private_files import make_private_file

APPLICATION_ID: Final = 0x6C697162
JOURNAL_ID_LENGTH: Final = 6
GAP: Final = "gap"
"""Name of the states in which records were refused: no beginnings, but what a rerun needs on its way."""
_NO_BEGINNINGS: Final = ("contracts", GAP)
IS_BEGINNING: Final = f"name NOT IN {_NO_BEGINNINGS}"
"""Of a snapshot: whether recovery may begin from it."""
_BUSY_MS: Final = 250
WAL_PAGES: Final = 4_000
"""What waits beside the file until it is written into it, about."""
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
_INDEXES: Final = "CREATE INDEX IF NOT EXISTS block_facts ON block (seq) WHERE facts IS NOT NULL"
"""Faster ways to the same answers: no program needs them, so that they are no part of a version."""
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
    """A connection in WAL mode without implicit transactions; JournalUnwritableError when that cannot be,
    CorruptRecordError when it is no database."""
    try:
        connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
    except sqlite3.OperationalError as error:
        raise JournalUnwritableError(f"journal {path}: {sqlite_files.explained(error)}") from error
    except sqlite3.DatabaseError as error:
        raise CorruptRecordError(f"journal {path} is damaged: {error}; {REPAIR}") from error
    return connection


def connect_reading(path: pathlib.Path) -> sqlite3.Connection:
    """A read-only connection that takes no lock. JournalMissingError when there is no such file or it may not be read,
    CorruptRecordError when it is no database."""
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise JournalMissingError(f"journal {path}: is no file; {PUT_BACK}")
        for one in sqlite_files.beside(path):
            if os.path.lexists(one) and not one.is_file():
                raise JournalMissingError(f"journal {path}: {one.name} beside it is no file; move it away")
        if not size:
            raise CorruptRecordError(f"journal {path} is empty: it was cut off at its beginning; {BEGIN_ANEW}")
        return sqlite_files.connect_reading(path)
    except FileNotFoundError:
        if path.is_symlink():
            where = f"is a link to {path.readlink()}, and nothing is there; mount or mend what it leads to"
            raise JournalMissingError(f"journal {path}: {where}") from None
        raise JournalMissingError(f"journal {path}: no such file; `liqbot paper` makes one") from None
    except OSError as error:
        raise JournalMissingError(f"journal {path}: cannot be read: {error.strerror}") from error
    except sqlite3.OperationalError as error:
        raise JournalMissingError(f"journal {path}: {error}; may this user read it?") from error
    except sqlite3.DatabaseError as error:
        raise CorruptRecordError(f"{path} is not a readable journal: {error}; {REPAIR}") from error


def create_file(path: pathlib.Path, mode: str, account: str, roster: Roster) -> None:
    """A new journal, which is there whole or not at all. JournalUnwritableError when that cannot be."""
    unfinished = path.with_name(path.name + ".new")
    try:
        for left in (unfinished, *sqlite_files.beside(unfinished)):
            left.unlink(missing_ok=True)
        make_private_file(unfinished)
        connection = connect_writing(unfinished)
        try:
            create(connection, mode, account, roster)
        finally:
            connection.close()
        put_in_place(unfinished, path)
    except sqlite3.Error as error:
        raise JournalUnwritableError(f"journal {path}: {sqlite_files.explained(error)}") from error
    except (OSError, ExpectedError) as error:
        raise JournalUnwritableError(f"journal {path}: cannot be made: {error}") from error


def put_in_place(finished: pathlib.Path, path: pathlib.Path) -> None:
    """Renames, durably. Pages that a deleted database left beside it would be taken for the new one's: they are moved
    aside."""
    if any(left.exists() for left in sqlite_files.beside(path)):
        sqlite_files.move_aside(path, "left")
    finished.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def make_tables(connection: sqlite3.Connection) -> None:
    """Today's, empty, inside the caller's transaction."""
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    for statement in ";".join((_TABLES, *_UPGRADES)).split(";"):
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    connection.execute(_INDEXES)


def is_beginning(name: str) -> bool:
    """As `IS_BEGINNING`, of a name."""
    return name not in _NO_BEGINNINGS


def create(connection: sqlite3.Connection, mode: str, account: str, roster: Roster) -> None:
    """Tables and stamp of a new journal, in one transaction."""
    values = {
        "journal_id": new_journal_id(), "mode": mode, "account": account,
        "roster": msgspec.json.encode(roster).decode(), "retained_seq": "1",
    }
    connection.execute("BEGIN IMMEDIATE")
    make_tables(connection)
    connection.executemany("INSERT INTO stamp VALUES (?, ?)", values.items())
    connection.execute("COMMIT")


def upgrade(connection: sqlite3.Connection, version: int) -> None:
    """Tables of an older version become today's, in one transaction. Nothing stored is written anew."""
    connection.execute(_INDEXES)
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


def require_readable(connection: sqlite3.Connection, path: pathlib.Path, retained_seq: int) -> tuple[int, int] | None:
    """A look at a journal that costs little: its records counted, the ends of its tables read. CorruptRecordError where
    that shows damage; (first, last) of the first records that are missing, None when none is."""
    try:
        told = [
            connection.execute(f"SELECT coalesce(max(seq), 0) FROM {table}").fetchone()[0]  # noqa: S608  names are ours
            for table in ("block", "market", "step", "snapshot")
        ]
        if max(told) > told[0]:
            words = f"records {told[0] + 1} to {max(told)} are missing, of which other tables tell"
            raise RecordsMissingError(f"journal {path}: {words}; {REPAIR}")
        return first_hole(connection, retained_seq)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
            raise  # of the disk or its rights; a table or column that is gone is damage
        raise CorruptRecordError(f"journal {path} is damaged: {error}; {REPAIR}") from error


def first_hole(connection: sqlite3.Connection, from_seq: int) -> tuple[int, int] | None:
    """The first run of numbers without a record, from `from_seq` to the last record."""
    among = "" if from_seq == 1 else f"WHERE seq >= {from_seq}"  # counting all of them is much the faster
    (count,) = connection.execute(f"SELECT count(*) FROM block {among}").fetchone()  # noqa: S608  a number
    (last_seq,) = connection.execute("SELECT coalesce(max(seq), 0) FROM block").fetchone()
    if count >= last_seq - from_seq + 1:
        return None
    before = connection.execute(
        "SELECT b.seq FROM block b LEFT JOIN block n ON n.seq = b.seq + 1 WHERE b.seq >= ? AND n.seq IS NULL "
        "ORDER BY b.seq LIMIT 1", (from_seq,)
    ).fetchone()
    starts = connection.execute("SELECT 1 FROM block WHERE seq = ?", (from_seq,)).fetchone() is not None
    first = before[0] + 1 if starts else from_seq
    (after,) = connection.execute("SELECT min(seq) FROM block WHERE seq >= ?", (first,)).fetchone()
    return first, after - 1


def read_stamp(connection: sqlite3.Connection, path: pathlib.Path) -> Stamp:
    """The stamp; JournalNewerError for a newer schema, CorruptRecordError when this is no journal."""
    try:
        (version,) = connection.execute("PRAGMA user_version").fetchone()
        (application,) = connection.execute("PRAGMA application_id").fetchone()
        if application != APPLICATION_ID:
            raise CorruptRecordError(f"{path} is not a liqbot journal; {PUT_BACK}")
        if version > SCHEMA_VERSION:
            raise JournalNewerError(
                f"journal {path} has schema {version}, this program knows {SCHEMA_VERSION}: upgrade liqbot"
            )
        values = dict(connection.execute("SELECT key, value FROM stamp"))
        kinds = dict(connection.execute("SELECT id, kinds FROM shape")) if version > 1 else {}
    except sqlite3.Error as error:
        raise CorruptRecordError(f"{path} is not a readable journal: {error}; {REPAIR}") from error
    return _stamp(version, values, kinds, path)


def _stamp(version: int, values: dict[str, str], kinds: dict[int, str], path: pathlib.Path) -> Stamp:
    missing = [name for name in _STAMPED if not isinstance(values.get(name), str)]
    if missing:
        raise CorruptRecordError(f"journal {path}: its stamp has no {missing[0]}; {BEGIN_ANEW}")
    shapes = {FIRST_FORMAT_ID: FIRST_FORMAT}
    for number, encoded in kinds.items():
        try:
            shapes[number] = Shape.decoded(encoded)
        except CorruptRecordError as error:
            raise CorruptRecordError(f"journal {path}: shape {number} of its columns: {error}") from error
    try:
        roster = msgspec.json.decode(values["roster"], type=Roster)
    except (msgspec.DecodeError, ValueError) as error:
        said = f"journal {path}: the roster in its stamp does not decode: {error}; {BEGIN_ANEW}"
        raise CorruptRecordError(said) from error
    if not values["retained_seq"].isdecimal():
        raise CorruptRecordError(
            f"journal {path}: retained_seq in its stamp is {values['retained_seq']!r}, a whole number is right; "
            f"{BEGIN_ANEW}"
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
