"""Files that are nobody else's: the books, in a directory of their own.

Whoever may open a book may lock it, and a lock is enough to stop the writer: so nobody else may. 0600 in 0700.
"""

import errno
import os
import pwd
import stat
from pathlib import Path
from typing import Final

import structlog

from liqbot.exits import Exit, ExpectedError
from liqbot.sqlite_files import beside

PRIVATE_DIRECTORY: Final = 0o700
PRIVATE_FILE: Final = 0o600
_OTHERS: Final = 0o077
_NOTE_BYTES_MAX: Final = 16_000_000
_log = structlog.get_logger(__name__)


def make_private_directory(path: Path) -> None:
    """Makes it and what leads to it; one that others may enter is closed to them, with a line in the log.

    ExpectedError (database) when it is somebody else's, when it is everybody's (`/tmp`), or when it cannot be made.
    """
    try:
        path.mkdir(PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        found = path.stat()
    except OSError as error:
        raise ExpectedError(f"{path}: cannot be made: {error.strerror}", Exit.DATABASE) from error
    _require_ours(path, found)
    if found.st_mode & stat.S_ISVTX:
        raise ExpectedError(f"{path} is shared by everybody: name a directory inside it with --data", Exit.DATABASE)
    _close_to_others([(path, found)], PRIVATE_DIRECTORY)


def make_private_file(path: Path) -> None:
    """Makes it empty, or closes the one that is there, and what SQLite keeps beside it, to others.

    It is never opened when it is there: closing a file lets go of this process's own locks on it. ExpectedError
    (database) when it is somebody else's or cannot be made.
    """
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE))
    except FileExistsError:
        _close_to_others([pair for one in (path, *beside(path)) if (pair := _ours(one)) is not None], PRIVATE_FILE)
    except OSError as error:
        raise ExpectedError(f"{path}: cannot be made: {error.strerror}", Exit.DATABASE) from error


def replace_private_file(path: Path, content: bytes, *, durable: bool = True) -> None:
    """Whole or not at all; OSError where the disk refuses. `durable`: on disk before it takes the old one's place."""
    part = path.with_name(path.name + ".new")
    with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, PRIVATE_FILE), "wb") as file:
        file.write(content)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    part.replace(path)


def read_note(path: Path) -> bytes:
    """A small file of ours, whole. OSError when there is none, and when what lies there is no plain file or too large:
    a pipe is not waited for, and nothing is read without an end."""
    file = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(file).st_mode):
            raise OSError(errno.EINVAL, "it is no plain file", str(path))
        content = os.read(file, _NOTE_BYTES_MAX + 1)
    finally:
        os.close(file)
    if len(content) > _NOTE_BYTES_MAX:
        raise OSError(errno.EFBIG, f"it is larger than {_NOTE_BYTES_MAX:,} bytes", str(path))
    return content


def _ours(path: Path) -> tuple[Path, os.stat_result] | None:
    """None when it is not there. ExpectedError when it is somebody else's."""
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ExpectedError(f"{path}: {error.strerror}", Exit.DATABASE) from error
    _require_ours(path, found)
    return path, found


def _require_ours(path: Path, found: os.stat_result) -> None:
    if found.st_uid == os.geteuid():
        return
    owner, here = _name(found.st_uid), _name(os.geteuid())
    remedy = f"run as {owner}, give it to {here} (chown), or name another directory with --data"
    raise ExpectedError(f"{path} belongs to {owner}, not to {here}: {remedy}", Exit.DATABASE)


def _close_to_others(files: list[tuple[Path, os.stat_result]], mode: int) -> None:
    open_ones = [path for path, found in files if found.st_mode & _OTHERS]
    if not open_ones:
        return
    named = ", ".join(map(str, open_ones))
    try:
        for path in open_ones:
            path.chmod(mode)
    except OSError as error:
        _log.error("others may open this, and it cannot be closed to them", path=named, reason=error.strerror)
        return
    _log.warning("others could open this: closed to them", path=named, now=f"{mode:04o}")


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
