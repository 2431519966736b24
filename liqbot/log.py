"""The log: structured lines on stderr, readable on a terminal, JSON for machines. stdout is left to results."""

import contextlib
import logging
import sys
from typing import Final

import structlog

from liqbot.legible import spelled, without_passwords

LEVELS: Final = ("debug", "info", "warning", "error")
FORMATS: Final = ("auto", "console", "json")


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


class _StderrLogger:
    """Writes to what stderr is at that moment. A log that cannot be written stops nothing: stops and exits go on."""

    def msg(self, message: str) -> None:
        with contextlib.suppress(OSError, ValueError):
            sys.stderr.write(message + "\n")
            sys.stderr.flush()

    log = debug = info = warning = error = critical = exception = msg


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
