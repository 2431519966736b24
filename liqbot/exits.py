"""Exit codes of the `liqbot` command, and the one exception that carries an expected failure to it."""

import enum
from collections.abc import Mapping
from typing import Final


class Exit(enum.IntEnum):
    """A public interface: scripts and service managers act on these. CONFIG and HALTED happen at start-up only."""

    OK = 0
    FAILED = 1
    USAGE = 2
    CONFIG = 3
    UNREACHABLE = 4
    HALTED = 5
    NOT_FOUND = 6
    DATABASE = 7
    RUNNING = 8
    UNPROTECTED = 9


MEANINGS: Final[Mapping[Exit, str]] = {
    Exit.OK: "ok",
    Exit.FAILED: "failed",
    Exit.USAGE: "wrong usage, or a bad input file",
    Exit.CONFIG: "configuration, credentials, recorded days that live asks for, or a database stamped for another mode "
    "or account",
    Exit.UNREACHABLE: "venue unreachable",
    Exit.HALTED: "refused at start by a risk halt",
    Exit.NOT_FOUND: "not running, or no such thing",
    Exit.DATABASE: "database unwritable, or newer than the program",
    Exit.RUNNING: "already running: another instance holds the account or the database",
    Exit.UNPROTECTED: "ended with a position open and no stop confirmed over all of it: look at the venue, or start "
    "again; the lines say which",
}
"""In the words of docs/cli.md."""


class ExpectedError(Exception):
    """Something a user can cause and mend. The message says what, where, and what would be right;
    it is printed as it is, one line per line, without a traceback."""

    def __init__(self, message: str, exit_code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code
