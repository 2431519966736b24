"""What can go wrong with a journal; each ends a verb with its own exit code."""

from liqbot.exits import Exit, ExpectedError


class JournalError(ExpectedError):
    """Base; FAILED unless the kind says otherwise."""

    code = Exit.FAILED

    def __init__(self, message: str) -> None:
        super().__init__(message, self.code)


class StampMismatchError(JournalError):
    """The database belongs to another mode, account or roster."""

    code = Exit.CONFIG


class JournalMissingError(JournalError):
    """No journal where one was named."""

    code = Exit.NOT_FOUND


class JournalUnwritableError(JournalError):
    """The database cannot be created, opened or written."""

    code = Exit.DATABASE


class JournalNewerError(JournalError):
    """The database was written by a newer version of the program."""

    code = Exit.DATABASE


class UnknownShapeError(JournalError):
    """A record holds a kind, a column or a fact that this program does not know, or lacks one that it must have."""

    code = Exit.DATABASE


class AlreadyRunningError(JournalError):
    """Another process writes this journal."""

    code = Exit.RUNNING


class JournalStuckError(JournalError):
    """Commits have been failing for longer than the limit; what is queued is kept and tried again."""

    code = Exit.DATABASE


class MarketDroppedError(JournalError):
    """Retention has dropped market rows that this reading would need."""


class CorruptRecordError(JournalError):
    """Stored bytes that do not decode to what was written."""
