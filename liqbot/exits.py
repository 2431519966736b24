"""Exit codes of the `liqbot` command, and the one exception that carries an expected failure to it."""

import enum


class Exit(enum.IntEnum):
    """A public interface: scripts and service managers act on these. CONFIG and HALTED happen at start-up only."""

    OK = 0
    FAILED = 1
    USAGE = 2
    """Wrong usage or a bad input file."""
    CONFIG = 3
    """Configuration, credentials, recorded days that live asks for, or a database of another mode or account."""
    UNREACHABLE = 4
    HALTED = 5
    """Refused at start by a risk halt."""
    NOT_FOUND = 6
    """Not running, or no such thing."""
    DATABASE = 7
    """Database unwritable, or newer than this program."""
    RUNNING = 8
    """Another instance holds the account or the database."""
    UNPROTECTED = 9
    """Ended with a position of ours open and no stop confirmed for all of it: look at the venue, or start again."""


class ExpectedError(Exception):
    """Something a user can cause and mend. The message says what, where, and what would be right;
    it is printed as it is, one line per line, without a traceback."""

    def __init__(self, message: str, exit_code: Exit = Exit.FAILED) -> None:
        super().__init__(message)
        self.exit_code = exit_code
