"""`JournalTail`: the market facts of a journal that another process writes, as they are committed.

Of everything else in it (account facts, commands, decisions) not a byte is decoded. Each reading is short and outside
of any transaction, so that the writer's checkpoints are never held up, and takes no lock that a writer waits for.
"""

import os
import pathlib
import sqlite3
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from liqbot import sqlite_files
from liqbot.blocks import Rows
from liqbot.events import FeedDown, FeedUp
from liqbot.journal import codec, schema
from liqbot.journal.errors import CorruptRecordError, JournalError, JournalMissingError
from liqbot.journal.shape import FIRST_FORMAT_ID
from liqbot.journal.stamped import StampedConnection

_PREFIX: Final = "journal "
_AFTER: Final = (
    "SELECT b.seq, b.time_ms, b.tick_ms, b.backfilled, b.market_rows, b.facts, m.* "
    "FROM block b LEFT JOIN market m ON m.seq = b.seq WHERE b.seq > ? ORDER BY b.seq LIMIT ?"
)


class Bookmark(msgspec.Struct, frozen=True):
    """How far a journal has been taken over: its record `seq`, within our clock step `tick_ms`."""

    journal_id: str
    seq: int
    tick_ms: int

    @property
    def source(self) -> str:
        """As our own journal names it beside the records that came from there."""
        return f"{_PREFIX}{self.journal_id}"


class MarketRecord(msgspec.Struct, frozen=True):
    """What is public of one record. Venues and coins are codes of that journal's roster."""

    seq: int
    time_ms: int
    tick_ms: int | None
    backfilled: bool
    columns: Mapping[str, Rows]
    feeds: tuple[FeedUp | FeedDown, ...]


class TailRead(msgspec.Struct, frozen=True):
    """One reading. `last_seq` is how far it came; `whole`: nothing was waiting behind it."""

    records: tuple[MarketRecord, ...]
    last_seq: int
    whole: bool
    missing: int = 0
    """Records that were gone: retention took them, or damage."""
    unreadable: int = 0
    """Records whose bytes do not decode; passed over."""


class JournalTail(StampedConnection):
    """Of one file, from opening to closing; used by one thread. JournalError (its kinds) for what is wrong with it."""

    def __init__(self, path: pathlib.Path) -> None:
        self._identity = sqlite_files.identity(path)
        connection, self._live = _connected(path)
        self._size = _size_of(path)
        self._version = 0
        super().__init__(path, connection)

    @property
    def outdated(self) -> bool:
        """Another file has the name now, or none; or the file was read as it lay, and lies otherwise."""
        if sqlite_files.identity(self.path) != self._identity:
            return True
        return not self._live and _size_of(self.path) != self._size

    def changed(self) -> bool:
        """Whether anything was committed since this was called last. Costs microseconds."""
        before, self._version = self._version, int(self._read("its version", "PRAGMA data_version")[0][0])
        return self._version != before

    def last_seq(self) -> int:
        return int(self._read("its last record", "SELECT coalesce(max(seq), 0) FROM block")[0][0])

    def newest_tick_ms(self) -> int:
        """0 before the first."""
        found = self._read(
            "its newest Tick",
            "SELECT tick_ms FROM block WHERE tick_ms IS NOT NULL AND backfilled = 0 ORDER BY seq DESC LIMIT 1",
        )
        return int(found[0][0]) if found else 0

    def seq_since(self, time_ms: int) -> int:
        """The record before the first one that happened at that time or later; the last one where none has."""
        found = self._read(
            "its times", "SELECT seq FROM block WHERE backfilled = 0 AND time_ms >= ? ORDER BY time_ms, seq LIMIT 1",
            (time_ms,),
        )
        return int(found[0][0]) - 1 if found else self.last_seq()

    def has(self, bookmark: Bookmark) -> bool:
        """Whether this is the journal of the bookmark, with the same records up to it: not another one, and not an
        older copy that went its own way."""
        if self.stamp.journal_id != bookmark.journal_id or self.last_seq() < bookmark.seq:
            return False
        found = self._read("a record", "SELECT time_ms FROM block WHERE seq = ?", (bookmark.seq,))
        return not found or int(found[0][0]) <= bookmark.tick_ms

    def read(self, after_seq: int, rows_max: int) -> TailRead:
        """At most `rows_max` records behind `after_seq`."""
        rows = self._read("its records", _AFTER, (after_seq, rows_max))
        records: list[MarketRecord] = []
        missing = unreadable = 0
        at = after_seq
        for row in rows:
            missing += row[0] - at - 1
            at = row[0]
            try:
                record = self._record(row)
            except CorruptRecordError:
                unreadable += 1
                continue
            missing += bool(row[4]) and not record.columns
            records.append(record)
        return TailRead(tuple(records), at, len(rows) < rows_max, missing, unreadable)

    def _record(self, row: tuple[Any, ...]) -> MarketRecord:
        seq, time_ms, tick_ms, backfilled, _, facts, _, market, *shape = row
        columns: dict[str, Rows] = {}
        if market is not None:
            columns = codec.unpack_market(market, self._kinds(shape[0] if shape else FIRST_FORMAT_ID))
        return MarketRecord(
            seq, time_ms, tick_ms, bool(backfilled), columns, codec.unpack_feed_facts(facts)
        )

    def _read(self, what: str, statement: str, values: tuple[int, ...] = ()) -> list[Any]:
        try:
            return self._connection.execute(statement, values).fetchall()
        except sqlite3.OperationalError as error:
            raise JournalError(f"journal {self.path}: {what}: {sqlite_files.explained(error)}") from error
        except sqlite3.DatabaseError as error:
            raise CorruptRecordError(f"journal {self.path}: {what} cannot be read: {error}") from error


def bookmark_of(path: pathlib.Path) -> Bookmark | None:
    """How far the journal at `path`, our own, has taken over another one; None when its newest market rows are not from
    there: what was read otherwise since must not be read again."""
    connection = schema.connect_reading(path)
    try:
        row = connection.execute(
            "SELECT source, source_seq, time_ms FROM block WHERE market_rows > 0 OR source LIKE ? "
            "ORDER BY seq DESC LIMIT 1",
            (f"{_PREFIX}%",),
        ).fetchone()
    except sqlite3.DatabaseError as error:
        raise CorruptRecordError(f"journal {path}: where it left off cannot be read: {error}") from error
    finally:
        connection.close()
    if row is None or not row[0].startswith(_PREFIX):
        return None
    return Bookmark(row[0].removeprefix(_PREFIX), row[1], row[2])


def _size_of(path: pathlib.Path) -> tuple[tuple[int, int], ...]:
    """Of the file and the pages beside it, with the time of their newest change."""
    there = [one.stat() for one in (path, sqlite_files.beside(path)[0]) if one.exists()]
    return tuple((found.st_size, found.st_mtime_ns) for found in there)


def _connected(path: pathlib.Path) -> tuple[sqlite3.Connection, bool]:
    """As whoever reads a journal, but a journal is never copied for it: it may be large, and is asked for again and
    again."""
    try:
        if not path.stat().st_size:
            raise CorruptRecordError(f"journal {path}: is empty")
        return sqlite_files.connect_following(path)
    except FileNotFoundError:
        raise JournalMissingError(f"journal {path}: no such file; has its collector begun?") from None
    except OSError as error:
        raise JournalMissingError(f"journal {path}: {os.strerror(error.errno or 0)}; may this user read it?") from error
    except sqlite3.OperationalError as error:
        held = error.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY
        said = sqlite_files.explained(error) if held else f"{error}; may this user read it and its directory?"
        raise JournalMissingError(f"journal {path}: {said}") from error
    except sqlite3.DatabaseError as error:
        raise CorruptRecordError(f"journal {path}: {error}") from error
