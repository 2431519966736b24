"""The log: structured lines on stderr, readable on a terminal, JSON for machines. stdout is left to results.

Lines are written by a thread of their own: a pipe that nobody reads blocks whoever writes into it, and that must not be
the loop that places stops.
"""

import atexit
import collections
import contextlib
import io
import logging
import os
import sys
import threading
import time
from typing import Final

import structlog

from liqbot.legible import shown, spelled, without_passwords

LEVELS: Final = ("debug", "info", "warning", "error")
FORMATS: Final = ("auto", "console", "json")
LINES_MAX: Final = 5_000
"""Waiting to be written; what comes beyond is counted and dropped."""
LAST_S_MAX: Final = 1.0
"""How long the end of the process waits for its last lines to be read."""


def configure(level: str = "info", form: str = "auto") -> None:
    """Once per process, before the first line. `auto` is console on a terminal and JSON elsewhere."""
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _legible,
            *_rendering(console=console),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=lambda *_names: _StderrLogger(),
        cache_logger_on_first_use=True,
    )
    if not any(isinstance(handler, _Foreign) for handler in logging.getLogger().handlers):
        logging.getLogger().addHandler(_Foreign(logging.WARNING))


class LineWriter:
    """Writes lines to what stderr is at that moment. One that is full or closed delays nobody: what it does not take in
    time is dropped, and counted."""

    def __init__(self, lines_max: int = LINES_MAX) -> None:
        self._lines: collections.deque[str] = collections.deque()
        self._lines_max = lines_max
        self._changed = threading.Condition()
        self._busy = False
        self._thread: threading.Thread | None = None
        self._unsaid = 0
        self.dropped = 0
        """Lines that were never written."""

    def put(self, line: str) -> None:
        """Never waits, never raises."""
        with self._changed:
            if len(self._lines) >= self._lines_max:
                self.dropped += 1
                self._unsaid += 1
                return
            if self._unsaid:
                self._lines.append(f"{self._unsaid} lines of the log were dropped: nobody read it")
                self._unsaid = 0
            self._lines.append(line)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log-writer", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def flush(self, timeout_s: float = LAST_S_MAX) -> bool:
        """Whether everything put so far is written, waited for no longer than that."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._lines and not self._busy, timeout_s)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._busy = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: bool(self._lines))
                line, self._busy = self._lines.popleft(), True
            _write(line + "\n")


def _write(text: str) -> None:
    """To the descriptor itself where there is one: a stream's own buffer would be waited for when the process ends."""
    with contextlib.suppress(OSError, ValueError):
        try:
            descriptor = sys.stderr.fileno()
        except (AttributeError, io.UnsupportedOperation):
            sys.stderr.write(text)
            sys.stderr.flush()
            return
        rest = text.encode(errors="backslashreplace")
        while rest:
            rest = rest[_written(descriptor, rest) :]


def _written(descriptor: int, rest: bytes) -> int:
    try:
        return os.write(descriptor, rest)
    except BlockingIOError:  # somebody has made the pipe non-blocking
        time.sleep(0.05)
        return 0


LINES: Final = LineWriter()
"""Of this process."""
atexit.register(LINES.flush)


class _StderrLogger:
    def msg(self, message: str) -> None:
        LINES.put(shown(message, colours=_on_terminal()))

    log = debug = info = warning = error = critical = exception = msg


class _Foreign(logging.Handler):
    """What libraries say through the standard log: it goes the same way."""

    def emit(self, record: logging.LogRecord) -> None:
        LINES.put(shown(self.format(record)))


def _on_terminal() -> bool:
    """Of what stderr is now; one that is closed is none."""
    with contextlib.suppress(OSError, ValueError):
        return sys.stderr.isatty()
    return False


def _legible(_logger: object, _method: str, line: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """What venues, files and operators wrote, without what a terminal obeys and without passwords."""
    return {
        name: without_passwords(spelled(value)) if isinstance(value, str) else value for name, value in line.items()
    }


def _rendering(*, console: bool) -> list[structlog.typing.Processor]:
    if console:
        # Tracebacks are plain text: the rich ones print local variables, and a local may be a secret.
        plain = structlog.dev.plain_traceback
        return [structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=plain)]
    return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
