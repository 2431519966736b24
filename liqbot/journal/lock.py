"""One writer per journal: a lock file beside the database, held by the operating system and gone with the process."""

import fcntl
import os
import pathlib

from liqbot.journal.errors import AlreadyRunningError, JournalUnwritableError


class WriterLock:
    """Held from construction to `release`. AlreadyRunningError names the process that holds it."""

    def __init__(self, journal: pathlib.Path) -> None:
        self.path = journal.with_name(journal.name + ".lock")
        try:
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            said = f"journal {journal}: cannot make {self.path.name}: {error.strerror}"
            raise JournalUnwritableError(said) from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            holder = os.read(self._file, 20).decode("ascii", "replace").strip() or "unknown"
            os.close(self._file)
            raise AlreadyRunningError(f"journal {journal} is being written by process {holder}") from error
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Idempotent; the file stays, because removing it would race with the next writer."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
