"""What can go wrong with a journal; each ends a verb with its own exit code."""

from typing import Final

from liqbot.exits import Exit, ExpectedError

REPAIR: Final = "liqbot db repair copies what can be read into a new journal, and says what is lost"
BEGIN_ANEW: Final = (
    "nothing can be recovered from it: move it away and start; a new journal begins, and what it finds at the venue is "
    "somebody else's until it is adopted"
)
PUT_BACK: Final = (
    "move it away and put the journal back; without one a new journal begins, and what it finds at the venue is "
    "somebody else's until it is adopted"
)
"""What is next for a damaged journal, where something can be done and where not, and for what is none."""


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


class RecordsMissingError(CorruptRecordError):
    """Records are gone from the middle, where neither retention nor a crash takes any."""
