"""One process per account and user on this machine: a lock file in a directory that nobody else can write.

Never in a temporary directory: services and containers have one of their own, and in a shared one others may plant what
they like. Instances of other users and on other hosts are found by their marks at the venue.
"""

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import structlog

from liqbot import places
from liqbot.exits import Exit, ExpectedError
from liqbot.journal.lock import FileLock, HeldByAnotherError

_log = structlog.get_logger(__name__)


@contextlib.contextmanager
def only_one(account: str, data: Path) -> Iterator[None]:
    """Holds the account, whatever the state directory; `data` is where the lock goes when the user has no directory for
    such things. ExpectedError when another process holds it."""
    name = hashlib.sha256(account.encode()).hexdigest()[:16]
    lock = _lock(account, f"{name}.lock", data)
    try:
        yield
    finally:
        if lock is not None:
            lock.release(remove=True)


def _lock(account: str, name: str, data: Path) -> FileLock | None:
    """In the first directory that is ours alone; None where there is none."""
    for directory in (*places.run_dirs(), data):
        try:
            _make_private(directory)
            return FileLock(directory / name)
        except HeldByAnotherError as held:
            said = f"account {account.strip()} is traded by process {held.holder} already"
            raise ExpectedError(said, Exit.RUNNING) from None
        except OSError as error:
            _log.warning("no lock there", directory=str(directory), reason=error.strerror or str(error))
    _log.error("no directory for the account's lock: a second instance shows by its marks at the venue only")
    return None


def _make_private(directory: Path) -> None:
    """Made 0700 where it is missing. OSError when it is not a directory of ours, or others can write there."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = directory.lstat()
    if not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError("it is no directory")
    if found.st_uid != os.geteuid():
        raise PermissionError(f"it belongs to user {found.st_uid}")
    if found.st_mode & 0o022:
        raise PermissionError("others can write there")
