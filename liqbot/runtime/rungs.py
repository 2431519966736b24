"""The record of the ladder of conduct: which minutes which program and configuration really ran, and on which rung.

One file for all modes, appended to by whatever house runs against real time. It guards a person against haste, not
against himself: whoever may write the file may write anything into it. A simulated market writes nothing.
"""

import contextlib
import datetime as dt
import enum
import hashlib
import json
import os
import queue
import threading
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Final, Self

import msgspec
import structlog

from liqbot import __version__, places
from liqbot.blocks import EventBlock
from liqbot.code_version import source_digest
from liqbot.engine import Engine, Step
from liqbot.observers.observer import OnStep
from liqbot.settings import Settings, config_json

MINUTE_MS: Final = 60_000
WRITE_EVERY_MIN: Final = 10
"""So much is lost at most when the process is killed."""
DAY_MIN: Final = 1_440
CLOSE_S: Final = 2.0
"""A disk that hangs does not keep a house from ending."""
_DECIDES: Final = ("coins", "venues", "venue_files", "venue_packages", "trade_venue", "market", "signals", "risk",
                   "execution")  # fmt: skip
"""Sections that say what is done; not where, with which key, in which mode, or how it is written down."""
_log = structlog.get_logger(__name__)


class Rung(enum.StrEnum):
    OBSERVE = "observe"
    PAPER = "paper"
    TESTNET = "testnet"
    """Demo accounts too."""
    LIVE = "live"


class Identity(msgspec.Struct, frozen=True):
    """What must be the same for days to count: program and configuration."""

    version: str
    source: str
    """SHA-256 over the program's source."""
    config: str
    """SHA-256 over what decides, strategy files of the user's own included."""


class Ran(msgspec.Struct, frozen=True):
    """One line: minutes on end."""

    rung: Rung
    from_minute: int
    """Since 1970, UTC."""
    minutes: int
    identity: Identity
    day: str = ""
    """For people: the UTC day of the first minute."""


def identity_of(settings: Settings) -> Identity:
    """Of the running program under these settings."""
    values: dict[str, Any] = json.loads(config_json(settings))
    decides = {name: values.get(name) for name in _DECIDES}
    own = sorted((one.name, one.sha256) for one in settings.signals.own)
    text = json.dumps([decides, own], sort_keys=True, separators=(",", ":"))
    return Identity(__version__, source_digest(), hashlib.sha256(text.encode()).hexdigest())


def recorded_days(path: Path, identity: Identity, now_ms: int) -> dict[Rung, float]:
    """Days of 24 hours by rung. A minute counts once, however many houses ran in it; one that has not come yet never.
    A line that cannot be read counts nothing."""
    minutes: dict[Rung, set[int]] = {rung: set() for rung in Rung}
    for ran in _lines(path):
        if ran.identity == identity:
            minutes[ran.rung].update(range(ran.from_minute, min(ran.from_minute + ran.minutes, now_ms // MINUTE_MS)))
    return {rung: len(found) / DAY_MIN for rung, found in minutes.items()}


@contextlib.contextmanager
def recording(settings: Settings, rung: Rung, clock: Callable[[], int]) -> Iterator[tuple[OnStep, ...]]:
    """What a house on this rung has to be given as a check. Nothing where the venues are simulated."""
    if settings.network.loopback:
        yield ()
        return
    with RungRecorder(places.rungs_path(), rung, identity_of(settings), clock) as recorder:
        yield (recorder.on_step,)


class RungRecorder:
    """Counts minutes in which a house looked at a live market, and writes them in a thread of its own."""

    def __init__(self, path: Path, rung: Rung, identity: Identity, clock: Callable[[], int]) -> None:
        """`clock` is the real one: UTC milliseconds."""
        self._path, self._rung, self._identity, self._clock = path, rung, identity, clock
        self._queue: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self._minute = -1
        self._thread = threading.Thread(target=self._write_all, name="rungs", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._queue.put(None)
        self._thread.join(CLOSE_S)

    def on_step(self, seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        """After every step: cheap, and raises nothing."""
        del seq, step
        if block.tick_ms is None or (minute := self._clock() // MINUTE_MS) == self._minute:
            return
        if abs(minute - block.tick_ms // MINUTE_MS) <= 1 and _works(engine):
            self._minute = minute
            self._queue.put(minute)

    def _write_all(self) -> None:
        """The thread."""
        waiting: list[int] = []
        trouble = ""
        while True:
            minute = self._queue.get()
            on_end = bool(waiting) and minute == waiting[-1] + 1
            if waiting and (not on_end or len(waiting) >= WRITE_EVERY_MIN):
                trouble = self._write(waiting, trouble)
                waiting = []
            if minute is None:
                return
            waiting.append(minute)

    def _write(self, minutes: list[int], trouble: str) -> str:
        """What went wrong, said once for as long as it goes wrong."""
        ran = Ran(self._rung, minutes[0], len(minutes), self._identity, _day(minutes[0]))
        try:
            _append(self._path, msgspec.json.encode(ran) + b"\n")
        except OSError as error:
            found = f"{self._path}: {error.strerror}"
            if found != trouble:
                _log.error("what runs now does not count for the ladder: it cannot be written", reason=found)
            return found
        return ""


def _works(engine: Engine) -> bool:
    """Looks at live venues and may enter: a house that stands still proves nothing."""
    seen = bool(engine.views) and all(view.live_venues and not view.backfilled for view in engine.views)
    return seen and not engine.account.halted


def _append(path: Path, line: bytes) -> None:
    path.parent.mkdir(0o700, parents=True, exist_ok=True)
    file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, line)
    finally:
        os.close(file)


def _lines(path: Path) -> Iterable[Ran]:
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return
    for line in lines:
        with contextlib.suppress(msgspec.DecodeError):
            ran = msgspec.json.decode(line, type=Ran)
            if 0 < ran.minutes <= DAY_MIN:
                yield ran


def _day(minute: int) -> str:
    return dt.datetime.fromtimestamp(minute * MINUTE_MS / 1_000, dt.UTC).date().isoformat()
