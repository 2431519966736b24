"""The journal's writer thread: takes what is queued, commits it in groups, and tells who waits that it is durable.

A group is committed with synchronous=NORMAL (no fsync) unless somebody waits for durability; then with FULL, whose one
fsync of the write-ahead log covers that group and everything before it. Nothing queued is ever dropped: a commit that
fails is tried again, and after `stuck_after_ms` those who wait get an error, while trying goes on. A commit that
neither fails nor returns (a disk that hangs) is seen by whoever reads `trouble`: the thread itself is stuck then.
"""

import collections
import pathlib
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any, Final

import msgspec

from liqbot import sqlite_files
from liqbot.journal.errors import JournalStuckError

_RETRY_MS_MIN: Final = 20
_RETRY_MS_MAX: Final = 1_000
_LOOK_EVERY_S: Final = 1.0
"""How often the file is looked for by its name."""
CLOSE_S_MAX: Final = 15.0
"""Longest wait for a disk at the end; the thread dies with the process."""

Work = Callable[[sqlite3.Connection], Any]


class Item(msgspec.Struct, frozen=True):
    """One thing to write. `prepare` runs once, in the writer thread; what it gives runs once per try to commit, and
    None has nothing to write (yet)."""

    weight: int
    prepare: Callable[[], Work | None]
    seq: int = 0
    """Of the block, where it is one."""


class GroupWriter:
    """Owns the writing connection from construction to `close`."""

    def __init__(
        self, connection: sqlite3.Connection, path: pathlib.Path, *, commit_ms: int, group_rows: int,
        queue_rows_max: int, stuck_after_ms: int,
    ) -> None:
        self._connection, self._name, self._file = connection, str(path), FileWatch(path)
        self._commit_ms, self._group_rows = commit_ms, group_rows
        self._queue_rows_max, self._stuck_after_ms = queue_rows_max, stuck_after_ms
        self._changed = threading.Condition()
        self._queue: collections.deque[Item] = collections.deque()
        self._weight = 0
        """Rows queued or being written; falls only after their commit."""
        self._put = self._durable = 0
        """Positions: how many items were ever queued, and how many of them are known to be on disk."""
        self._waiting: list[tuple[int, Future[None]]] = []
        self._closing = self._done = False
        self._hurry = threading.Event()
        self._is_durable: bool | None = None
        self._trouble: JournalStuckError | None = None
        self._crash: BaseException | None = None
        self._writing_since_s: float | None = None
        """Since when one group has been on its way to the disk."""
        self._last_failure = ""
        self.written_seq = 0
        """The last block that is committed by this process."""
        self._thread = threading.Thread(target=self._run, name="journal-writer", daemon=True)
        self._thread.start()

    @property
    def trouble(self) -> JournalStuckError | None:
        """Set while commits have been failing, or one has been hanging, for longer than the limit, and cleared by the
        first that succeeds; for good when the file is gone or a record could not be written."""
        if self._trouble is not None:
            return self._trouble
        if self._crash is not None:
            return JournalStuckError(
                f"journal {self._name}: a record cannot be written ({type(self._crash).__name__}: {self._crash}); its "
                "writer thread has crashed and nothing is recorded any more: restart"
            )
        since_s, now_s = self._writing_since_s, time.monotonic()
        if since_s is None or (now_s - since_s) * 1000 < self._stuck_after_ms:
            return None
        return self._stuck(now_s - since_s)

    @property
    def queued_rows(self) -> int:
        return self._weight

    def put(self, item: Item, wait_s: float | None = None) -> None:
        """Queues; waits only while the queue is full, and no longer than `wait_s`. JournalStuckError when it is full
        after that, or when nothing can be written."""
        with self._changed:
            self._require_alive()
            if self._weight and self._weight + item.weight > self._queue_rows_max:
                self._changed.wait_for(lambda: self._has_room(item.weight) or self._cannot_write(), wait_s)
                self._require_alive()
                if not self._has_room(item.weight):
                    raise self.trouble or JournalStuckError(f"journal {self._name}: full")
            self._queue.append(item)
            self._put += 1
            self._weight += item.weight
            # The thread looks by itself every `commit_ms`: waking it for each record would cost more than writing it.
            if self._weight >= self._group_rows:
                self._changed.notify_all()

    def require_room(self, weight: int) -> None:
        """JournalStuckError where an item of this weight would have to wait."""
        with self._changed:
            self._require_alive()
            if not self._has_room(weight):
                raise self.trouble or JournalStuckError(f"journal {self._name}: full")

    def durable(self) -> Future[None]:
        """Done when everything queued before this call is on disk; fails with JournalStuckError when that cannot be."""
        waiter: Future[None] = Future()
        with self._changed:
            self._require_alive()
            if self._put <= self._durable:
                waiter.set_result(None)
            elif (trouble := self.trouble) is not None:
                waiter.set_exception(trouble)
            else:
                self._waiting.append((self._put, waiter))
                self._changed.notify_all()
        return waiter

    def close(self) -> None:
        """Writes what is queued, durably, and ends the thread. JournalStuckError when that cannot be done now."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._hurry.set()
        self._thread.join(max(CLOSE_S_MAX, 2 * self._stuck_after_ms / 1000))
        if self._thread.is_alive():
            raise self.trouble or JournalStuckError(f"journal {self._name}: the disk does not answer")
        self._connection.close()
        if self._crash is not None:
            raise self._crash
        if self._queue or self._trouble is not None:
            raise self._trouble or JournalStuckError(f"journal {self._name}: {self._weight} rows were not written")

    def _stuck(self, for_s: float) -> JournalStuckError:
        what = f"cannot be written for {for_s:.1f} s: {self._last_failure}"
        return JournalStuckError(
            f"journal {self._name} {what if self._last_failure else f'waits for the disk since {for_s:.1f} s'}"
        )

    def _has_room(self, weight: int) -> bool:
        return not self._weight or self._weight + weight <= self._queue_rows_max

    def _cannot_write(self) -> bool:
        return self.trouble is not None or self._done

    def _require_alive(self) -> None:
        if self._crash is not None:
            raise self.trouble or JournalStuckError(f"journal {self._name}") from self._crash
        if self._closing:
            raise ValueError(f"journal {self._name} is closed")

    # --- the thread ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            while self._cycle():
                pass
        except BaseException as crash:  # noqa: BLE001  a crash here must reach whoever writes next, whatever it is
            self._crash = crash
        with self._changed:
            self._done = True
            failure = self.trouble or JournalStuckError(f"journal {self._name} was closed")
            waiting, self._waiting = self._waiting, []
            self._changed.notify_all()
        for _, waiter in waiting:
            _answer(waiter, failure)

    def _cycle(self) -> bool:
        """One group. False when the thread should end."""
        with self._changed:
            self._changed.wait_for(self._hurried, self._commit_ms / 1000)
            items, reached, closing = list(self._queue), self._put, self._closing
            durably = bool(self._waiting) or closing
            self._queue.clear()
        self._look_for_the_file()
        if not items and not durably:
            return True
        weight = sum(item.weight for item in items)
        works, bad = _prepared(items)
        self._writing_since_s = time.monotonic()
        written = not (works or durably) or self._commit_until_done(works, durably=durably or bad is not None)
        self._writing_since_s = None
        if bad is not None:
            raise bad  # what came before it is written; after it nothing may be, or a replay would leave it out
        if not written:
            return False
        with self._changed:
            self.written_seq = max(self.written_seq, *(item.seq for item in items), 0)
            self._weight -= weight
            if durably:
                self._durable = reached
            ready = [waiter for position, waiter in self._waiting if position <= self._durable]
            self._waiting = [pair for pair in self._waiting if pair[0] > self._durable]
            self._changed.notify_all()
        for waiter in ready:
            _answer(waiter, None)
        return not closing

    def _hurried(self) -> bool:
        return bool(self._waiting) or self._closing or self._weight >= self._group_rows

    def _commit_until_done(self, works: list[Work], *, durably: bool) -> bool:
        failing_since: float | None = None
        pause_ms = _RETRY_MS_MIN
        while True:
            try:
                self._commit(works, durably=durably or failing_since is not None)
            except sqlite3.OperationalError as error:
                failing_since = failing_since if failing_since is not None else time.monotonic()
                self._note_failure(error, time.monotonic() - failing_since)
                if self._closing and (trouble := self.trouble) is not None:
                    self._trouble = trouble
                    return False
                # While closing there is no leisure to wait: the event is set and the pause shrinks to the busy timeout.
                self._hurry.wait(pause_ms / 1000)
                pause_ms = min(pause_ms * 2, _RETRY_MS_MAX)
            else:
                self._trouble, self._last_failure = self._file.trouble, ""
                return True

    def _look_for_the_file(self) -> None:
        """What is written into a file that has no name any more is lost with the process: everybody who waits for the
        disk gets an error at once."""
        if not self._file.due() or self._file.trouble is not None:
            return
        self._file.look()
        if self._file.trouble is not None:
            self._tell(self._file.trouble)

    def _note_failure(self, error: sqlite3.OperationalError, failing_s: float) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._last_failure = str(error)
        if failing_s * 1000 >= self._stuck_after_ms:
            self._tell(self._stuck(failing_s))

    def _tell(self, trouble: JournalStuckError) -> None:
        with self._changed:
            self._trouble = trouble
            waiting, self._waiting = self._waiting, []
            self._changed.notify_all()
        for _, waiter in waiting:
            _answer(waiter, trouble)

    def _commit(self, works: list[Work], *, durably: bool) -> None:
        if durably is not self._is_durable:
            # synchronous cannot change inside a transaction, so it is chosen before one.
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if durably else 'NORMAL'}")
            self._is_durable = durably
        self._connection.execute("BEGIN IMMEDIATE")
        for work in works:
            work(self._connection)
        if not works:
            # An empty transaction would not reach the disk, and what was committed without fsync must.
            self._connection.execute("UPDATE durable SET commits = commits + 1")
        self._connection.execute("COMMIT")


class FileWatch:
    """Whether a file that is open still has its name: deleted, or another put in its place, it only looks alive."""

    def __init__(self, path: pathlib.Path) -> None:
        self._path, self._opened = path, sqlite_files.identity(path)
        self._looked_s = time.monotonic()
        self.trouble: JournalStuckError | None = None

    def due(self) -> bool:
        return time.monotonic() - self._looked_s >= _LOOK_EVERY_S

    def look(self) -> None:
        """Sets `trouble` for good when the name is gone or means another file."""
        self._looked_s = time.monotonic()
        now = sqlite_files.identity(self._path)
        if now != self._opened:
            what = "was deleted" if now is None else "was replaced by another file"
            self.trouble = JournalStuckError(
                f"journal {self._path} {what} while it was being written: nothing that is recorded from now on will be "
                "found again; no entries, stops and exits leave; end this process and put the file back"
            )


def _prepared(items: Sequence[Item]) -> tuple[list[Work], Exception | None]:
    """What there is to write, up to the first item that cannot be prepared, and why it cannot."""
    works: list[Work] = []
    for item in items:
        try:
            work = item.prepare()
        except Exception as error:  # noqa: BLE001  whatever is wrong with one record, those before it are sound
            return works, error
        if work is not None:
            works.append(work)
    return works, None


def _answer(waiter: Future[None], failure: BaseException | None) -> None:
    # A waiter may have given up meanwhile (a cancelled task): then nobody wants the answer.
    if not waiter.set_running_or_notify_cancel():
        return
    if failure is None:
        waiter.set_result(None)
    else:
        waiter.set_exception(failure)
