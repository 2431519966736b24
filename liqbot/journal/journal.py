"""`Journal`: the writing end. Appends are queued in order and group-committed by the writer thread."""

import contextlib
import os
import pathlib
import sqlite3
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Final, Self

import msgspec
import structlog

from liqbot import sqlite_files
from liqbot.blocks import EventBlock, Roster
from liqbot.exits import ExpectedError
from liqbot.journal import codec, retention, schema, snapshots
from liqbot.journal.errors import PUT_BACK, REPAIR, JournalStuckError, JournalUnwritableError
from liqbot.journal.lock import WriterLock
from liqbot.journal.reader import JournalReader
from liqbot.journal.schema import Stamp
from liqbot.journal.shape import TODAY, Shape
from liqbot.journal.steps import StepLike, StepRow, StepRows
from liqbot.journal.writer import GroupWriter, Item, Work
from liqbot.private_files import make_private_directory, make_private_file

_LOOK_S: Final = 0.25
_log = structlog.get_logger(__name__)
_INSERT_BLOCK: Final = "INSERT INTO block VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_INSERT_MARKET: Final = "INSERT INTO market (seq, rows, shape) VALUES (?, ?, ?)"
_INSERT_STEP: Final = "INSERT OR REPLACE INTO step (seq, digest, step, from_seq) VALUES (?, ?, ?, ?)"


class JournalLimits(msgspec.Struct, frozen=True):
    """Bounds of the writer. A group is committed after `commit_ms`, or as soon as it has `group_rows`."""

    commit_ms: int = 50
    group_rows: int = 20_000
    queue_rows_max: int = 1_000_000
    stuck_after_ms: int = 4_000
    snapshot_bytes_max: int = 1_000_000_000
    """Of all snapshots of a name, as they are stored."""


class Journal:
    """One process at a time. Any thread may append; sequence numbers follow the order of the calls."""

    def __init__(self, path: pathlib.Path, lock: WriterLock, connection: sqlite3.Connection, limits: JournalLimits,
                 stamp: Stamp, shape: Shape, shape_id: int) -> None:
        self.path, self.stamp, self._lock = path, stamp, lock
        self._shape, self._shape_id, self._snapshot_bytes_max = shape, shape_id, limits.snapshot_bytes_max
        self._closed = False
        self._steps = StepRows()
        """Used in the writer thread alone."""
        self._ordering = threading.Lock()
        (last_seq,) = connection.execute("SELECT coalesce(max(seq), 0) FROM block").fetchone()
        self._last_seq: int = last_seq
        self._begun_seq: int = last_seq
        self._gap_weight = 1
        """Of the newest state kept for a gap: so much room one needs."""
        (snapshot_seq,) = connection.execute(
            f"SELECT coalesce(max(seq), 0) FROM snapshot WHERE {schema.IS_BEGINNING}"  # noqa: S608 - a constant of ours
        ).fetchone()
        self._snapshot_seq: int = snapshot_seq
        newest = connection.execute("SELECT time_ms FROM block WHERE seq = ?", (last_seq,)).fetchone()
        self._time_ms: int = newest[0] if newest else 0
        self._writer = GroupWriter(
            connection, path, commit_ms=limits.commit_ms, group_rows=limits.group_rows,
            queue_rows_max=limits.queue_rows_max, stuck_after_ms=limits.stuck_after_ms,
        )

    @classmethod
    def open(
        cls, path: pathlib.Path, *, mode: str, account: str, roster: Roster, limits: JournalLimits | None = None,
        shape: Shape = TODAY,
    ) -> Self:
        """Opens or creates; tables of an older version are brought up to date. `shape` is what the rows to be appended
        look like. AlreadyRunningError, StampMismatchError, JournalNewerError or JournalUnwritableError when that must
        not be; CorruptRecordError when this is no sound journal."""
        try:
            make_private_directory(path.parent)
        except ExpectedError as error:
            raise JournalUnwritableError(f"journal {path}: {error}") from error
        lock = WriterLock(path)
        try:
            connection = _connected(path, mode, account, roster)
            try:
                stamp, shape_id = _taken_up(connection, path, mode, account, roster, shape)
                return cls(path, lock, connection, limits or JournalLimits(), stamp, shape, shape_id)
            except sqlite3.OperationalError as error:
                connection.close()
                raise JournalUnwritableError(f"journal {path}: {sqlite_files.explained(error)}") from error
            except Exception:
                connection.close()
                raise
        except Exception:
            lock.release()
            raise

    @property
    def last_seq(self) -> int:
        """0 for a journal without records."""
        return self._last_seq

    @property
    def written_seq(self) -> int:
        """The last record that is committed; what came after it a crash of this process would lose."""
        return max(self._begun_seq, self._writer.written_seq)

    @property
    def snapshot_seq(self) -> int:
        """The newest snapshot's record when the journal was opened; 0 without any."""
        return self._snapshot_seq

    @property
    def trouble(self) -> JournalStuckError | None:
        """A JournalStuckError while the disk cannot be written or does not answer; None in good times."""
        return self._writer.trouble

    @property
    def queued_rows(self) -> int:
        """Rows not yet committed: a measure of how far the disk is behind."""
        return self._writer.queued_rows

    def append(self, block: EventBlock, source: str, source_seq: int, wait_s: float | None = None) -> int:
        """Queues a block and gives its seq at once; waits only while the queue is full, no longer than `wait_s`
        (JournalStuckError when it is full then, or cannot be written)."""
        with self._ordering:
            seq = self._last_seq + 1
            weight = block.market_rows + len(block.facts) + 1
            self._writer.put(Item(weight, self._block(seq, block, source, source_seq), seq), wait_s)
            self._last_seq = seq
        return seq

    def record(self, seq: int, step: StepLike, wait_s: float | None = None) -> None:
        """What the engine answered to block `seq`: the whole Step where it says something, and in any case a part of a
        digest that is written with the next one that does, or after a number of quiet ones. Waits and fails as `append`
        does."""
        self._writer.put(Item(1, lambda: _writing(self._steps.take(seq, step))), wait_s)

    def durable(self, seq: int | None = None) -> Future[None]:
        """Done when everything appended so far is on disk, and every Step recorded that says something; `seq` must be
        among it."""
        if seq is not None and not 0 <= seq <= self._last_seq:
            raise ValueError(f"seq {seq} was never appended: the last is {self._last_seq}")
        return self._writer.durable()

    def wait_durable(self, seq: int | None = None, timeout_s: float | None = None) -> None:
        """`durable`, waited for. JournalStuckError when it does not come to pass, TimeoutError when it has not yet."""
        answer = self.durable(seq)
        until_s = None if timeout_s is None else time.monotonic() + timeout_s
        while True:
            left_s = _LOOK_S if until_s is None else max(0.0, min(_LOOK_S, until_s - time.monotonic()))
            try:
                return answer.result(left_s)
            except TimeoutError:
                if (trouble := self.trouble) is not None:  # a disk that hangs tells nobody
                    raise trouble from None
                if until_s is not None and time.monotonic() >= until_s:
                    raise

    def save_snapshot(self, name: str, seq: int, version: str, data: bytes, wait_s: float | None = None) -> None:
        """Engine state after block `seq`. Of a name the newest few are kept, and as many before them, spread evenly, as
        there is room for. Waits and fails as `append` does."""

        def prepare() -> Work:
            # A replay may begin here, and must find the digests of what follows begin here too.
            steps = _writing(self._steps.close())
            snapshot = snapshots.saving(name, seq, version, data, bytes_max=self._snapshot_bytes_max)

            def write(connection: sqlite3.Connection) -> None:
                if steps is not None:
                    steps(connection)
                snapshot(connection)

            return write

        self._writer.put(Item(1 + len(data) // 64, prepare), wait_s)

    def save_gap(self, version: str, state: Callable[[], bytes], wait_s: float | None = None) -> None:
        """The engine's state where records after the last one were refused, for a `JournalGap` that is appended next.
        It is kept as long as the records around it. Waits and fails as `append` does; without room `state` is not
        called."""
        self._writer.require_room(self._gap_weight)
        data = state()
        self._gap_weight = 1 + len(data) // 64
        self.save_snapshot(schema.GAP, self._last_seq, version, data, wait_s)

    def retain(
        self, *, days: float, max_bytes: int, rows: int = 2_000, wait_s: float | None = None
    ) -> Future[retention.Retained]:
        """Drops up to `rows` records' market rows that are older than `days` or beyond `max_bytes`.

        Small bites, because a durable intent may be waiting: call again until the answer says `done`. Rows that the
        kept snapshots still need for recovery stay.
        """
        answer: Future[retention.Retained] = Future()

        def work(connection: sqlite3.Connection) -> None:
            kept = retention.drop(connection, days=days, max_bytes=max_bytes, rows=rows)
            if not answer.done():
                answer.set_result(kept)

        self._writer.put(Item(1, lambda: work), wait_s)
        return answer

    def reader(self) -> JournalReader:
        """A separate read-only view of the same file; it sees what is committed."""
        return JournalReader(self.path)

    def close(self) -> None:
        """Writes everything queued, durably, then lets go of the lock. JournalStuckError when it cannot be written.
        Closing again does nothing new."""
        try:
            if not self._closed:
                self._closed = True
                with contextlib.suppress(JournalStuckError):  # closing the writer says so itself
                    self._writer.put(Item(0, lambda: _writing(self._steps.close())))
            self._writer.close()
        finally:
            self._lock.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _block(self, seq: int, block: EventBlock, source: str, source_seq: int) -> Callable[[], Work]:
        def prepare() -> Work:
            self._time_ms = codec.block_time_ms(block, self._time_ms)
            head = (
                seq, self._time_ms, block.tick_ms, block.backfilled, block.lag_ms, source, source_seq,
                block.market_rows, codec.pack_facts(block.facts),
            )
            market = codec.pack_market(block, self._shape)

            def write(connection: sqlite3.Connection) -> None:
                connection.execute(_INSERT_BLOCK, head)
                if market is not None:
                    connection.execute(_INSERT_MARKET, (seq, market, self._shape_id))

            return write

        return prepare


def _connected(path: pathlib.Path, mode: str, account: str, roster: Roster) -> sqlite3.Connection:
    """To the file that is there, or to a new one."""
    if not os.path.lexists(path):
        schema.create_file(path, mode, account, roster)
    elif path.is_dir():
        raise JournalUnwritableError(f"journal {path}: is a directory; {PUT_BACK}")
    else:
        JournalReader(path).close()  # says what is wrong before anything is changed
        try:
            make_private_file(path)
        except ExpectedError as error:
            raise JournalUnwritableError(f"journal {path}: {error}") from error
    return schema.connect_writing(path)


def _taken_up(
    connection: sqlite3.Connection, path: pathlib.Path, mode: str, account: str, roster: Roster, shape: Shape
) -> tuple[Stamp, int]:
    """The stamp of a sound journal whose tables are today's, and the number of the shape."""
    before = schema.read_stamp(connection, path)
    schema.require_same(before, mode, account, roster, path)
    hole = schema.require_readable(connection, path, before.retained_seq)
    if hole is not None:
        _log.warning("records of the journal are missing", path=str(path), first=hole[0], last=hole[1], next=REPAIR)
    schema.upgrade(connection, before.schema_version)
    shape_id = schema.shape_id(connection, shape)
    return schema.read_stamp(connection, path), shape_id


def _writing(rows: list[StepRow]) -> Work | None:
    return (lambda connection: connection.executemany(_INSERT_STEP, rows)) if rows else None
