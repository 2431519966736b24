"""Looking after a journal file: backup, restore, check."""

import pathlib
import sqlite3

import msgspec

from liqbot import sqlite_files
from liqbot.journal import schema
from liqbot.journal.errors import (
    REPAIR,
    CorruptRecordError,
    JournalError,
    JournalUnwritableError,
    MarketDroppedError,
    UnknownShapeError,
)
from liqbot.journal.lock import WriterLock
from liqbot.journal.reader import JournalReader


class Checked(msgspec.Struct, frozen=True):
    """What `check` read: how much, and what was wrong (nothing, for a sound journal)."""

    path: str
    journal_id: str
    mode: str
    records: int
    facts: int
    market_rows: int
    steps: int
    problems: tuple[str, ...]


def backup(path: pathlib.Path, target: pathlib.Path) -> None:
    """A consistent, compact copy, made while the journal may be being written. Refuses to overwrite.

    CorruptRecordError when the journal itself is damaged; no half copy stays behind.
    """
    if target.exists():
        raise JournalUnwritableError(f"backup {target}: exists already; name a new file")
    connection = schema.connect_reading(path)
    try:
        sqlite_files.copy_compact(connection, target)
    except sqlite3.OperationalError as error:
        raise JournalUnwritableError(f"backup {target}: {sqlite_files.explained(error)}") from error
    except sqlite3.DatabaseError as error:
        raise CorruptRecordError(f"journal {path}: cannot be copied: {error}; {REPAIR}") from error
    except OSError as error:
        raise JournalUnwritableError(f"backup {target}: {error.strerror}") from error
    finally:
        connection.close()


def restore(source: pathlib.Path, path: pathlib.Path) -> str:
    """Makes `path` from a backup and draws a new journal id for it, so that its orders never meet those of the
    original; gives that id. Refuses while `path` exists or is being written."""
    lock = WriterLock(path)
    try:
        if path.exists():
            raise JournalUnwritableError(f"journal {path}: exists; move it away before restoring over it")
        unfinished = path.with_name(path.name + ".restoring")
        unfinished.unlink(missing_ok=True)
        backup(source, unfinished)
        connection = sqlite3.connect(unfinished, isolation_level=None)
        try:
            schema.read_stamp(connection, unfinished)
            journal_id = schema.new_journal_id()
            connection.execute("UPDATE stamp SET value = ? WHERE key = 'journal_id'", (journal_id,))
        except JournalError:
            unfinished.unlink()
            raise
        finally:
            connection.close()
        unfinished.replace(path)
    finally:
        lock.release()
    return journal_id


def check(path: pathlib.Path) -> Checked:
    """Reads every record and asks SQLite for its own check. Problems are listed, not raised."""
    problems: list[str] = []
    records = facts = market_rows = 0
    with JournalReader(path) as reader:
        word = reader.integrity()
        if word != "ok":
            problems.append(f"SQLite: {word}; {REPAIR}")
        try:
            for record in reader.records(reader.stamp.retained_seq):
                records += 1
                facts += len(record.block.facts)
                market_rows += record.block.market_rows
            steps = sum(one.seq - one.first_seq + 1 for one in reader.steps())
        except (CorruptRecordError, MarketDroppedError, UnknownShapeError) as error:
            problems.append(f"after {records} records: {error}")
            steps = 0
        stamp = reader.stamp
    return Checked(str(path), stamp.journal_id, stamp.mode, records, facts, market_rows, steps, tuple(problems))
