"""`LedgerThread`: a ledger written in a thread of its own, so that whoever feeds it waits for no database.

What waits is bounded. A ledger that falls behind further is left as it is, whole up to its offset, and takes the rest
from the journal at the next start. Nothing is committed that the journal has not written: after a crash the ledger
would else tell of records that there are not.
"""

import collections
import threading
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final, NamedTuple, Self

import structlog
from sqlalchemy.exc import OperationalError

from liqbot.exits import ExpectedError
from liqbot.ledger.fold import WriteLimits
from liqbot.ledger.later import CATCHES_UP
from liqbot.ledger.observation import Observation
from liqbot.ledger.writer import LedgerWriter

WAITING_MAX: Final = 1_000
"""Observations: at one Tick a second a quarter of an hour."""
ROWS_MAX: Final = 200_000
"""Folded rows that the database has not taken."""
LOOK_S: Final = 0.1
AGAIN_S: Final = 1.0
OPEN_S_MAX: Final = 1.0
"""Longest wait of a start for a ledger; one that is locked is opened later."""
CLOSE_S_MAX: Final = 10.0


class Remake(NamedTuple):
    """How a ledger that is too far behind (deleted, restored) is made anew, in its thread."""

    needed: Callable[[int], bool]
    """Of a ledger that ends at this record."""
    make: Callable[[], object]
    """ExpectedError when nothing can be made of it: then the ledger begins where it is begun, with a gap."""


class LedgerThread:
    """Any one thread feeds it, in the order of the journal."""

    _log: Any = structlog.get_logger(__name__)

    def __init__(
        self, url: str, journal_id: str, *, written: Callable[[], int], keeping: WriteLimits | None = None,
        waiting_max: int = WAITING_MAX, rows_max: int = ROWS_MAX, remake: Remake | None = None,
    ) -> None:
        """`written` gives the last record that the journal has committed. ExpectedError when the database can be
        reached and is none of ours, or newer; one that is locked, full or away is tried again in the background."""
        self._open = partial(LedgerWriter, url, journal_id, keeping)
        self._written, self._waiting_max, self._rows_max = written, waiting_max, rows_max
        self._remake, self._may_begin_later = remake, False
        self._give_up_s = 0.0
        self._changed = threading.Condition()
        self._waiting: collections.deque[Observation] = collections.deque()
        self._opened, self._closing = threading.Event(), False
        self._refusal: ExpectedError | None = None
        self._wanted_seq = self._put_seq = self._seq = 0
        self._map_due: Callable[[str, int], bool] | None = None
        self._behind = self._failure = ""
        self._thread = threading.Thread(target=self._run, name="ledger-writer", daemon=True)
        self._begin()
        if self._refusal is not None:
            raise self._refusal

    def _begin(self) -> None:
        self._thread.start()
        self._opened.wait(OPEN_S_MAX)

    @property
    def opened(self) -> bool:
        """Whether the database has been reached: `seq` means something."""
        return self._opened.is_set()

    @property
    def seq(self) -> int:
        """The last journal record whose rows are committed; 0 before the database was reached."""
        return self._seq

    @property
    def trouble(self) -> str:
        """Why it is not written at present, or no more; empty while it is."""
        return self._behind or self._failure

    def map_due(self, coin: str, time_ms: int) -> bool:
        """Whether a map of this time may be written for its time alone: what a map is written with has to be read of
        the market before it goes on. True as well while nobody can say."""
        return self._map_due is None or self._map_due(coin, time_ms)

    def put(self, observation: Observation, wait_s: float = 0.0) -> None:
        """Never raises. Waits for room no longer than `wait_s`; without room the ledger stays behind from here on."""
        with self._changed:
            if self._behind:
                return
            if wait_s and len(self._waiting) >= self._waiting_max:
                self._changed.wait_for(lambda: len(self._waiting) < self._waiting_max or self._behind, wait_s)
            if len(self._waiting) >= self._waiting_max:
                self._leave_behind(f"{len(self._waiting)} records wait for it{self._because()}")
                return
            self._waiting.append(observation)
            self._put_seq = max(self._put_seq, observation.seq)
            self._changed.notify_all()

    def flush(self, timeout_s: float) -> bool:
        """Asks for everything put so far to be committed, and waits for it no longer than `timeout_s`."""
        with self._changed:
            self._wanted_seq = self._put_seq
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._seq >= self._wanted_seq or bool(self._behind), timeout_s)
            return self._seq >= self._wanted_seq and not self._behind

    def close(self) -> None:
        """Commits what it can within `CLOSE_S_MAX`; what it could not is said in the log. Again does nothing."""
        with self._changed:
            self._closing = True
            self._give_up_s = time.monotonic() + CLOSE_S_MAX / 2
            self._wanted_seq = self._put_seq
            self._changed.notify_all()
        self._thread.join(CLOSE_S_MAX)
        if self._seq < self._put_seq or self._behind:
            self._log.error("the ledger is not complete", record=self._seq, of=self._put_seq, reason=self.trouble,
                       next=CATCHES_UP)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- the thread ---------------------------------------------------------------------------------------------------

    def _run(self) -> None:
        writer = self._reached()
        if writer is None:
            return
        try:
            while not self._behind and self._cycle(writer):
                pass
        except Exception as error:  # noqa: BLE001 -- whatever a ledger raises, the house goes on and the journal has it
            self._log.exception("the ledger is written no more")
            with self._changed:
                self._leave_behind(f"{type(error).__name__}: {error}")
        writer.release()

    def _reached(self) -> LedgerWriter | None:
        """The open ledger; None when there is none to be had."""
        while True:
            try:
                writer = self._made_anew(self._open())
            except OperationalError as error:
                self._note(str(error.orig))
            except ExpectedError as error:
                if not isinstance(error.__cause__, OperationalError):
                    self._refused(error)
                    return None
                self._note(str(error))
            else:
                self._seq, self._map_due = writer.seq, writer.map_due
                self._opened.set()
                return writer
            with self._changed:
                if self._changed.wait_for(lambda: self._closing, AGAIN_S):
                    return None

    def _made_anew(self, writer: LedgerWriter) -> LedgerWriter:
        """The same where nothing is to be made anew."""
        if self._remake is None or not self._remake.needed(writer.seq):
            return writer
        writer.release()
        self._log.warning("the ledger is behind the journal's snapshots: made anew from the journal")
        try:
            self._remake.make()
        except ExpectedError as error:
            self._log.error("the ledger has a gap", reason=str(error))
            self._may_begin_later = True
        self._remake = None
        return self._open()

    def _refused(self, error: ExpectedError) -> None:
        with self._changed:
            late = self._opened.is_set()
            self._refusal = error
            self._leave_behind(str(error), say=late)
        self._opened.set()

    def _cycle(self, writer: LedgerWriter) -> bool:
        """What may be folded is, and committed when it is due. False when the thread should end."""
        with self._changed:
            self._wait_for(self._has_work, LOOK_S)
            taken = self._taken()
            closing = self._closing and (not self._waiting or time.monotonic() > self._give_up_s)
            wanted = closing or self._wanted_seq > writer.seq
            self._changed.notify_all()
        for observation in taken:
            if observation.seq > writer.seen_seq + 1 and self._has_gap(writer, observation):
                return False
            writer.fold(observation)
        if writer.due or (wanted and writer.seen_seq > writer.seq):
            return self._committed(writer) and not closing
        return not closing

    def _wait_for(self, true: Callable[[], bool], s: float) -> bool:
        """With the lock held. Whether it is so."""
        return self._changed.wait_for(true, s)

    def _has_work(self) -> bool:
        written = self._written()
        fresh = bool(self._waiting) and self._waiting[0].seq <= written
        return fresh or (self._closing and not self._waiting) or min(self._wanted_seq, written) > self._seq

    def _taken(self) -> Sequence[Observation]:
        written, taken = self._written(), []
        while self._waiting and self._waiting[0].seq <= written:
            taken.append(self._waiting.popleft())
        return taken

    def _has_gap(self, writer: LedgerWriter, observation: Observation) -> bool:
        """Records between the ledger's last and this one were never put here: only a journal can tell of them."""
        if self._may_begin_later:
            self._may_begin_later = False
            return False
        with self._changed:
            self._leave_behind(f"it ends at record {writer.seen_seq}, the next that came is {observation.seq}")
        return True

    def _committed(self, writer: LedgerWriter) -> bool:
        """Whether to go on; after a failure only when somebody may yet free what is in the way."""
        try:
            writer.flush()
        except OperationalError as error:
            self._note(str(error.orig))
            with self._changed:
                if writer.pending_rows > self._rows_max:
                    self._leave_behind(f"{writer.pending_rows} rows wait for it{self._because()}")
                    return False
                return not self._wait_for(lambda: self._closing, AGAIN_S)
        if self._failure:
            self._log.warning("the ledger is written again")
        with self._changed:
            self._failure, self._seq = "", writer.seq
            self._changed.notify_all()
        return True

    # --- trouble ------------------------------------------------------------------------------------------------------

    def _note(self, reason: str) -> None:
        if not self._failure:
            self._log.error("the ledger cannot be written", reason=reason)
        self._failure = f"cannot be written: {reason}"

    def _because(self) -> str:
        return f" ({self._failure})" if self._failure else ""

    def _leave_behind(self, why: str, *, say: bool = True) -> None:
        """With the lock held. What waits is let go: the journal has it."""
        self._behind = f"behind since record {self._seq}: {why}; {CATCHES_UP}"
        self._waiting.clear()
        self._changed.notify_all()
        if say:
            self._log.error("the ledger is left behind", record=self._seq, reason=why, next=CATCHES_UP)
