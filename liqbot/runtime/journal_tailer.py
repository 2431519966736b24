"""A thread that reads the journal of another process and hands over what it finds, as long as somebody takes it.

The disk may hang, the file may be locked, cut, replaced or gone: all that is `reason()`, never an error, and the thread
tries on. The house's own loop never waits for it.
"""

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec
import structlog

from liqbot.blocks import Roster
from liqbot.exits import ExpectedError
from liqbot.journal.tail import Bookmark, JournalTail, TailRead

POLL_S: Final = 0.05
AGAIN_S: Final = 0.5
LOOK_S: Final = 1.0
"""How often it is looked whether the name still means the same file."""
HANGS_S: Final = 2.0
RECORDS_AT_ONCE: Final = 500
BATCHES_MAX: Final = 4
_log = structlog.get_logger(__name__)


class Batch(msgspec.Struct, frozen=True):
    """One reading of one journal. Backfilled steps up to `floor_ms` are not wanted: they are known, or too old."""

    journal_id: str
    roster: Roster
    floor_ms: int
    read: TailRead


class JournalTailer:
    """Reads from where the bookmark says, or what happened since `since_ms`, whichever is later."""

    def __init__(self, path: Path, bookmark: Bookmark | None, since_ms: int) -> None:
        self.path = path
        self._bookmark, self._since_ms = bookmark, since_ms
        self._tail: JournalTail | None = None
        self._after_seq = self._floor_ms = 0
        self._more = True
        self._looked_s = 0.0
        self._trouble = ""
        self._busy_since_s: float | None = None
        self._skip_to_ms = 0
        self._batches: queue.Queue[Batch] = queue.Queue(BATCHES_MAX)
        self._stopping = threading.Event()
        self._wake: Callable[[], None] = _nobody
        self.opened = 0
        """How many times it was opened."""

    def start(self, wake: Callable[[], None]) -> None:
        """`wake` is called in the thread whenever there is something to take, or a reason why not."""
        self._wake = wake
        threading.Thread(target=self._run, name="journal-tail", daemon=True).start()

    def stop(self) -> None:
        """Soon; a disk that hangs is not waited for."""
        self._stopping.set()

    def take(self) -> Batch | None:
        """The oldest that waits."""
        with contextlib.suppress(queue.Empty):
            return self._batches.get_nowait()
        return None

    def skip_to(self, time_ms: int) -> None:
        """What happened before is not wanted any more."""
        self._skip_to_ms = time_ms

    def reason(self) -> str:
        """Why nothing can be read at present; empty when it can."""
        if self._trouble:
            return self._trouble
        since_s = self._busy_since_s
        hangs_s = 0.0 if since_s is None else time.monotonic() - since_s
        return f"journal {self.path}: its disk does not answer for {hangs_s:.0f} s" if hangs_s > HANGS_S else ""

    # --- the thread ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._busy_since_s = time.monotonic()
            try:
                pause_s = self._cycle()
            except ExpectedError as error:
                pause_s = self._failed(str(error))
            except Exception as error:  # noqa: BLE001  whatever it is, the house must hear of it and go on
                pause_s = self._failed(f"journal {self.path}: {type(error).__name__}: {error}")
            self._busy_since_s = None
            if pause_s:
                self._stopping.wait(pause_s)
        self._close()

    def _cycle(self) -> float:
        """One look. How long to wait until the next."""
        if self._batches.full():
            return POLL_S
        tail = self._tail or self._open()
        if time.monotonic() - self._looked_s >= LOOK_S:
            self._looked_s = time.monotonic()
            if tail.outdated:
                self._close()
                return 0.0
        self._skip(tail)
        if not (tail.changed() or self._more):
            self._trouble = ""
            return POLL_S
        read = tail.read(self._after_seq, RECORDS_AT_ONCE)
        self._trouble, self._more, self._after_seq = "", not read.whole, read.last_seq
        if read.records:
            self._bookmark = Bookmark(tail.stamp.journal_id, read.last_seq, read.records[-1].time_ms)
        self._batches.put_nowait(Batch(tail.stamp.journal_id, tail.stamp.roster, self._floor_ms, read))
        self._wake()
        return 0.0

    def _open(self) -> JournalTail:
        """Where it goes on: behind the bookmark where this journal has it, else at the time of that."""
        tail, bookmark = JournalTail(self.path), self._bookmark
        try:
            if bookmark is not None and tail.has(bookmark):
                self._floor_ms = self._since_ms
                self._after_seq = max(bookmark.seq, tail.seq_since(self._since_ms))
            else:
                self._floor_ms = max(self._since_ms, bookmark.tick_ms if bookmark is not None else 0)
                self._after_seq = tail.seq_since(self._floor_ms + 1)
                if bookmark is not None:
                    _log.warning("another journal than before: what is newer is read", path=str(self.path),
                                 journal=tail.stamp.journal_id, before=bookmark.journal_id)
        except ExpectedError:
            tail.close()
            raise
        self._tail, self._more, self._looked_s = tail, True, time.monotonic()
        self.opened += 1
        return tail

    def _skip(self, tail: JournalTail) -> None:
        skip_to_ms, self._skip_to_ms = self._skip_to_ms, 0
        if skip_to_ms:
            self._since_ms = self._floor_ms = max(skip_to_ms, self._floor_ms)
            self._after_seq = max(self._after_seq, tail.seq_since(skip_to_ms))

    def _failed(self, reason: str) -> float:
        self._trouble = reason
        self._close()
        self._wake()
        return AGAIN_S

    def _close(self) -> None:
        if self._tail is not None:
            self._tail.close()
            self._tail = None


def _nobody() -> None:
    """Not started yet."""
