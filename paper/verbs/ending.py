"""How a session ends when something else ends it: a disk that is full."""

import contextlib
import errno
from collections.abc import Iterator

from sqlalchemy.exc import OperationalError

from liqbot.exits import Exit, ExpectedError
from liqbot.journal.errors import JournalStuckError

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)


@contextlib.contextmanager
def books_written() -> Iterator[None]:
    """ExpectedError (database) of one line when a book cannot be written any more."""
    try:
        yield
    except (JournalStuckError, OperationalError, OSError, BaseExceptionGroup) as error:
        trouble = _trouble(error)
        if trouble is None:
            raise
        raise ExpectedError(trouble, Exit.DATABASE) from error


def _trouble(error: BaseException) -> str | None:
    """What kept a book from being written; None when something else went wrong."""
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(_trouble, error.exceptions)), None)
    if isinstance(error, JournalStuckError):
        return str(error)
    if isinstance(error, OperationalError):
        return f"the ledger cannot be written: {error.orig}"
    if isinstance(error, OSError) and error.errno in _FULL:
        return f"the books cannot be written: {error.filename or 'disk'}: {error.strerror}"
    return None
