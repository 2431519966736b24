"""Lock files: held by the operating system and gone with the process, and never a way for others to reach our files."""

import fcntl
import os
import pathlib
import stat

from liqbot.journal.errors import AlreadyRunningError, JournalUnwritableError
from liqbot.places import lock_path

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW


class HeldByAnotherError(Exception):
    """`holder` is the process that says it holds the lock."""

    def __init__(self, holder: str) -> None:
        super().__init__(holder)
        self.holder = holder


class FileLock:
    """Held from construction to `release`. HeldByAnotherError when somebody else holds it; OSError, with why, when the
    file cannot be made, or is not a plain file of our own: a link, or another user's. Nothing is written before that is
    known, so a planted file costs nobody anything."""

    def __init__(self, path: pathlib.Path) -> None:
        self.path = path
        self._file = -1
        while self._file < 0:
            file = os.open(path, _FLAGS, 0o600)
            try:
                _require_our_own(file)
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                holder = os.pread(file, 20, 0).decode("ascii", "replace").strip() or "unknown"
                os.close(file)
                raise HeldByAnotherError(holder) from None
            except OSError:
                os.close(file)
                raise
            if _is_at(path, file):
                self._file = file
            else:  # its last holder removed it between our opening and locking it
                os.close(file)
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, f"{os.getpid()}\n".encode(), 0)

    def release(self, *, remove: bool = False) -> None:
        """Idempotent. With `remove` the file goes too: safely, because whoever opened it meanwhile looks whether the
        file that it locked is still the one at the path."""
        if self._file < 0:
            return
        if remove and _is_at(self.path, self._file):
            self.path.unlink(missing_ok=True)
        os.close(self._file)
        self._file = -1


def _require_our_own(file: int) -> None:
    found = os.fstat(file)
    if not stat.S_ISREG(found.st_mode):
        raise OSError("it is no plain file")
    if found.st_uid != os.geteuid():
        raise OSError(f"it belongs to user {found.st_uid}, and we are {os.geteuid()}")
    if found.st_nlink > 1:
        raise OSError("it has a second name (a hard link)")


def _is_at(path: pathlib.Path, file: int) -> bool:
    try:
        there = path.lstat()
    except FileNotFoundError:
        return False
    ours = os.fstat(file)
    return (there.st_dev, there.st_ino) == (ours.st_dev, ours.st_ino)


class WriterLock:
    """One writer per journal: a lock file beside the database. Held from construction to `release`.
    AlreadyRunningError names the process that holds it, JournalUnwritableError what is wrong with the file."""

    def __init__(self, journal: pathlib.Path) -> None:
        self.path = lock_path(journal)
        try:
            self._lock = FileLock(self.path)
        except HeldByAnotherError as held:
            raise AlreadyRunningError(f"journal {journal} is being written by process {held.holder}") from None
        except OSError as error:
            why = error.strerror or str(error)
            raise JournalUnwritableError(
                f"journal {journal}: cannot lock {self.path.name}: {why}; look at it, then remove it"
            ) from error

    def release(self) -> None:
        """Idempotent. The file stays beside the journal."""
        self._lock.release()
