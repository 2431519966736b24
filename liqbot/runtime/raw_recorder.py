"""`RawRecorder`: every message of the feeds, with venue, socket and receive time, to disk in a thread of its own.

The feed only appends to a queue that is bounded in bytes: a disk that is slow or hangs costs raw messages, which are
counted and said, and never a message of the market.
"""

import queue
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
import structlog

from liqbot.blocks import Roster
from liqbot.events import Event, FeedDown, FeedUp
from liqbot.market.feeds.params import FeedParams
from liqbot.runtime.raw_files import RawFiles
from liqbot.runtime.raw_frames import (
    Answer,
    Contracts,
    Dropped,
    Frame,
    HandedOver,
    Heard,
    Lost,
    Message,
    Session,
    Ticked,
)

DIRECTORY: Final = "raw"
WAITING_BYTES_MAX: Final = 64 * 2**20
_FRAME_BYTES: Final = 300
"""What a frame takes besides its text, about."""
_FLUSH_S: Final = 1.0
_REST_S: Final = 5.0
"""After an error of the disk, until the next attempt."""
_CLOSE_S_MAX: Final = 10.0
_Counted = Message | Answer | HandedOver | Ticked
"""What comes for ever, and is dropped where the disk is slower."""
_log = structlog.get_logger(__name__)


class RawRecorder:
    """A `RawSink`; fed by one thread. `close` when the feeds have ended."""

    def __init__(
        self, directory: Path, roster: Roster, params: FeedParams, began_ms: int, *, gb_max: float, file_mb: float,
        waiting_bytes_max: int = WAITING_BYTES_MAX,
    ) -> None:
        """OSError or ExpectedError when the directory cannot be written."""
        self._session = Session(
            began_ms, roster.venues, roster.coins, params.trade_span_ms, params.flush_ms, params.inferred,
            steps=True,
        )
        self._contracts: dict[str, Contracts] = {}
        self._files = RawFiles(directory, int(gb_max * 1e9), int(file_mb * 1e6), self._beginning)
        self._waiting_bytes_max = waiting_bytes_max
        self._queue: queue.SimpleQueue[Heard | None] = queue.SimpleQueue()
        self._put_bytes = self._taken_bytes = 0  # each is written by one thread alone
        self._rest_until_s = 0.0
        self._unsaid = self._dropped_ms = self._refused = 0
        self.dropped = 0
        """Messages, answers and ends of steps that found the queue full, or that JSON cannot hold."""
        self.unwritten = 0
        """Messages that the disk refused."""
        self._thread = threading.Thread(target=self._run, name="raw messages", daemon=True)
        self._thread.start()

    # --- toward the feeds -----------------------------------------------------------------------------------------

    def began(self, venue: str, markets: Mapping[str, Any], now_ms: int) -> None:
        self._queue.put(Contracts(now_ms, venue, msgspec.Raw(msgspec.json.encode(markets, enc_hook=str))))

    def message(self, venue: str, raw: str | bytes, url: str, received_ms: int) -> None:
        text, packed = (raw, None) if isinstance(raw, str) else (None, raw)
        self._put(Message(received_ms, venue, url, text, packed))

    def answer(self, venue: str, poll: int, payload: Any, received_ms: int) -> None:
        try:
            packed = msgspec.json.encode(payload)
        except (ValueError, TypeError, OverflowError, RecursionError):  # of a venue that answers nonsense
            self._drop(received_ms)
            return
        self._put(Answer(received_ms, venue, poll, msgspec.Raw(packed)))

    def _put(self, frame: _Counted) -> None:
        if self._put_bytes - self._taken_bytes > self._waiting_bytes_max:
            self._drop(frame.t)
            return
        if self._unsaid:
            self._queue.put(Dropped(frame.t, self._unsaid))
            self._unsaid = 0
        self._put_bytes += _bytes_of(frame)
        self._queue.put(frame)

    def lost(self, venue: str, subscription: int, reason: str, now_ms: int) -> None:
        self._queue.put(Lost(now_ms, venue, subscription, reason))

    def handed_over(self, venue: str, facts: tuple[Event, ...], now_ms: int, *, everything: bool) -> None:
        lines = tuple(fact for fact in facts if isinstance(fact, FeedUp | FeedDown))
        self._put(HandedOver(now_ms, venue, lines, everything))

    def ticked(self, tick_ms: int, lag_ms: int, now_ms: int) -> None:
        self._put(Ticked(now_ms, tick_ms, lag_ms))

    def _drop(self, now_ms: int) -> None:
        self._dropped_ms = now_ms
        self.dropped += 1
        self._unsaid += 1
        if self._unsaid == 1:
            _log.warning("raw messages are dropped: the disk is slower than the market", dropped=self.dropped)

    def close(self) -> bool:
        """What waits is written, for seconds at most; False when the disk did not answer."""
        if self._unsaid:
            self._queue.put(Dropped(self._dropped_ms, self._unsaid))
        self._queue.put(None)
        self._thread.join(_CLOSE_S_MAX)
        ended = not self._thread.is_alive()
        if self.dropped or self.unwritten or not ended:
            _log.warning("raw messages are missing", dropped=self.dropped, unwritten=self.unwritten, closed=ended)
        return ended

    # --- the thread -----------------------------------------------------------------------------------------------

    def _beginning(self) -> Sequence[Frame]:
        return (self._session, *self._contracts.values())

    def _run(self) -> None:
        flush_s = time.monotonic() + _FLUSH_S
        while True:
            try:
                frame = self._queue.get(timeout=_FLUSH_S)
            except queue.Empty:
                self._tried(self._files.flush)
                continue
            if frame is None:
                self._tried(self._files.close)
                return
            self._take(frame)
            if time.monotonic() > flush_s:
                self._tried(self._files.flush)
                flush_s = time.monotonic() + _FLUSH_S

    def _take(self, frame: Heard) -> None:
        if self._refused and self._tried(lambda: self._files.write(Dropped(frame.t, self._refused), frame.t)):
            self._refused = 0
        written = self._tried(lambda: self._files.write(frame, frame.t))
        if isinstance(frame, Contracts):
            self._contracts[frame.v] = frame
        elif isinstance(frame, _Counted):
            self._taken_bytes += _bytes_of(frame)
            self.unwritten += not written
            self._refused += not written

    def _tried(self, work: Callable[[], object]) -> bool:
        """Whether the disk did it; it is left alone for a while when not."""
        if time.monotonic() < self._rest_until_s:
            return False
        try:
            return work() is not False
        except (OSError, ValueError) as error:
            self._files.abandon()
            self._rest_until_s = time.monotonic() + _REST_S
            _log.error("raw messages cannot be written: some are missing", reason=str(error), unwritten=self.unwritten)
            return False


def _bytes_of(frame: _Counted) -> int:
    if isinstance(frame, Message):
        return len(frame.raw) + _FRAME_BYTES
    return len(bytes(frame.payload)) + _FRAME_BYTES if isinstance(frame, Answer) else _FRAME_BYTES
