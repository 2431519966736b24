"""SQLite files of ours: read with or without the right to write beside them, moved aside whole, and what SQLite's
refusals ask of a person.

SQLite wants to make files beside a database even to read it. On a read-only copy or in a read-only directory it may
not: then a file that stands alone is read as one that nobody changes, and one with pages beside it is read in a copy.
"""

import itertools
import os
import shutil
import sqlite3
import tempfile
from pathlib import Path
from typing import Final, TypeVar

C = TypeVar("C", bound=sqlite3.Connection)
_NO_PLACE: Final = frozenset({
    sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_READONLY_DIRECTORY,
    sqlite3.SQLITE_READONLY_RECOVERY, sqlite3.SQLITE_READONLY_CANTINIT, sqlite3.SQLITE_READONLY_CANTLOCK,
})
"""SQLite's codes for: it may not make what it needs beside the file."""
_FOLLOWING_BUSY_S: Final = 0.05
_REMEDIES: Final = {
    sqlite3.SQLITE_BUSY: "another program holds it: close that one (fuser -v FILE names it)",
    sqlite3.SQLITE_LOCKED: "another program holds it: close that one (fuser -v FILE names it)",
    sqlite3.SQLITE_FULL: "make room on its disk",
    sqlite3.SQLITE_READONLY: "give this user the right to write it and its directory",
    sqlite3.SQLITE_CANTOPEN: "give this user the right to write it and its directory",
    sqlite3.SQLITE_PERM: "give this user the right to write it and its directory",
    sqlite3.SQLITE_IOERR: "its disk answers with errors: look at the disk first",
}


def explained(error: sqlite3.Error) -> str:
    """What SQLite says, and what would be right where there is an answer."""
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF
    return f"{error}; {_REMEDIES[code]}" if code in _REMEDIES else str(error)


def beside(path: Path) -> tuple[Path, Path]:
    """What SQLite keeps beside a database while it is open, and after a death: the newest pages, and their index."""
    return path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")


def move_aside(path: Path, why: str) -> Path:
    """A database and what lies beside it get a name that says why, with the first number that is free; gives the new
    path. OSError when it cannot be renamed."""
    numbered = (path.with_name(f"{path.name}.{why}-{number}") for number in itertools.count(1))
    aside = next(one for one in numbered if not any(there.exists() for there in (one, *beside(one))))
    for one, renamed in zip((path, *beside(path)), (aside, *beside(aside)), strict=True):
        if one.exists():
            one.rename(renamed)
    return aside


def copy_compact(connection: sqlite3.Connection, target: Path) -> None:
    """A consistent copy, for its owner alone; no half copy stays behind. sqlite3.Error or OSError when it cannot be
    made, FileExistsError over another file."""
    os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    try:
        connection.execute("VACUUM INTO ?", (str(target),))  # takes an empty file
    except sqlite3.Error:
        target.unlink(missing_ok=True)
        raise


def connect_reading(path: Path) -> sqlite3.Connection:
    """A read-only connection, without implicit transactions. sqlite3.Error when the file cannot be opened (its
    permissions included) or is no database; OSError when what lies beside it must be read in a copy and that cannot be
    made."""
    path = path.resolve()
    try:
        return _opened(path, "mode=ro")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode not in _NO_PLACE or not os.access(path, os.R_OK, effective_ids=True):
            raise
    if _size(beside(path)[0]):
        return _copied(path)
    return _opened(path, "mode=ro&immutable=1")


def connect_following(path: Path) -> tuple[sqlite3.Connection, bool]:
    """A read-only connection, and whether it sees what is committed from now on. In a place where nothing may be made
    beside the file it does so as long as the writer is there; once that has ended in order, the file is read as it
    lies. Where it has died with pages beside the file: sqlite3.OperationalError, nothing is copied."""
    path = path.resolve()
    try:
        return _opened(path, "mode=ro", busy_s=_FOLLOWING_BUSY_S), True
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode not in _NO_PLACE or not os.access(path, os.R_OK, effective_ids=True):
            raise
        if _size(beside(path)[0]):
            raise
    return _opened(path, "mode=ro&immutable=1"), False


def identity(path: Path) -> tuple[int, int] | None:
    """Which file has this name now; None for none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _opened(path: Path, how: str, kind: type[C] = sqlite3.Connection, busy_s: float = 5.0) -> C:  # type: ignore[assignment]
    connection = sqlite3.connect(f"{path.as_uri()}?{how}", busy_s, uri=True, isolation_level=None, factory=kind)
    try:
        # Nothing is opened before the first read.
        connection.execute("PRAGMA schema_version").fetchone()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


class _Copy(sqlite3.Connection):
    """Takes its file with it."""

    folder: tempfile.TemporaryDirectory[str]

    def close(self) -> None:
        super().close()
        self.folder.cleanup()


def _copied(path: Path) -> sqlite3.Connection:
    folder = tempfile.TemporaryDirectory(prefix="liqbot-reading-", ignore_cleanup_errors=True)
    try:
        copy = Path(folder.name) / path.name
        for one in (path, beside(path)[0]):
            shutil.copyfile(one, copy.with_name(one.name))
        connection = _opened(copy, "mode=rw", _Copy)
    except (OSError, sqlite3.Error):
        folder.cleanup()
        raise
    connection.folder = folder
    connection.execute("PRAGMA query_only = ON")
    return connection


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0

