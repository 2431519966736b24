"""The files behind what was typed (a file, a folder, a pattern), archives and compression opened."""

import glob
import gzip
import io
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path, PurePath
from typing import IO, Any, Final, cast

import msgspec

from paper.tapes.format import TapeError, no_file

READABLE: Final = ("csv", "json", "feather", "parquet")
_PACKED: Final = ("gz", "zip")
DAMAGED: Final = (OSError, EOFError, zlib.error, zipfile.BadZipFile)
"""What reading a packed file that is cut off or damaged raises."""


class Source(msgspec.Struct, frozen=True):
    """One file to read: on disk, or a member of a zip archive."""

    path: Path
    member: str = ""

    @property
    def name(self) -> str:
        """As it is shown to people."""
        return f"{self.path}/{self.member}" if self.member else str(self.path)

    @property
    def words(self) -> tuple[str, ...]:
        """Folders and file name, without endings: what a format may read its symbol or venue from."""
        *folders, last = (*self.path.parent.parts, *PurePath(self.member or self.path.name).parts)
        return (*folders, _bare(last))

    @property
    def stem(self) -> str:
        return self.words[-1]

    @property
    def holds(self) -> str:
        """One of `READABLE`."""
        return next(ending for ending in reversed(_endings(self.member or self.path.name)) if ending in READABLE)

    def open(self) -> IO[bytes]:
        """The file's bytes, unpacked. TapeError when it cannot be read."""
        try:
            if self.member:
                return _member(self.path, self.member)
            if self.path.suffix.lower() == ".gz":
                return cast("IO[bytes]", gzip.open(self.path))
            return self.path.open("rb")
        except (*DAMAGED, KeyError, RuntimeError) as error:  # RuntimeError: encrypted, or packed in an unknown way
            raise TapeError(f"{self.name}: cannot be read ({error})") from None

    def whole(self) -> bytes:
        """All of it. TapeError when the archive is damaged."""
        try:
            with self.open() as stream:
                return stream.read()
        except DAMAGED as error:
            raise TapeError(f"{self.name}: cannot be read ({error})") from None


class FoundFiles(msgspec.Struct, frozen=True):
    """`passed_over` are files beside them whose ending nothing here reads (checksums, pages)."""

    sources: tuple[Source, ...]
    passed_over: tuple[str, ...]


def found(typed: Sequence[str | Path], beside: Path | None = None) -> FoundFiles:
    """Files of every path, folder (with all below it) and pattern, each once, by name; all but `beside`. TapeError for
    one that names nothing, and when there is nothing to read at all."""
    own = None if beside is None else beside.resolve()
    paths = sorted({path for one in typed for path in _paths(str(one)) if path.resolve() != own})
    sources: list[Source] = []
    passed_over: list[str] = []
    for path in paths:
        members = list(_sources(path))
        sources += members
        if not members:
            passed_over.append(str(path))
    if not sources:
        right = f"files ending in {', '.join(READABLE)}, packed as {' or '.join(_PACKED)} or not, are right"
        raise TapeError(f"{', '.join(map(str, typed))}: nothing to read; {right}")
    return FoundFiles(tuple(sources), tuple(passed_over))


def _paths(typed: str) -> Iterable[Path]:
    path = Path(typed)
    if path.is_dir():
        return [
            inner for inner in path.rglob("*")
            if inner.is_file() and not any(part.startswith(".") for part in inner.relative_to(path).parts)
        ]  # fmt: skip
    if path.is_file():
        return [path]
    matched = [Path(name) for name in glob.glob(typed, recursive=True)]  # noqa: PTH207 -- Path.glob takes no absolute pattern
    if not matched:
        raise TapeError(no_file(typed))
    return [inner for one in matched for inner in _paths(str(one))]


def _sources(path: Path) -> Iterator[Source]:
    if path.suffix.lower() == ".zip":
        try:
            with zipfile.ZipFile(path) as archive:
                names = archive.namelist()
        except (OSError, zipfile.BadZipFile) as error:
            raise TapeError(f"{path}: cannot be read ({error})") from None
        yield from (Source(path, name) for name in names if _readable(name))
    elif _readable(path.name):
        yield Source(path)


def _readable(name: str) -> bool:
    return not name.endswith("/") and any(ending in READABLE for ending in _endings(name))


def _endings(name: str) -> list[str]:
    """The last ending, and the one before it where the last only says how the file is packed."""
    endings = [suffix.lower().lstrip(".") for suffix in PurePath(name).suffixes[-2:]]
    return endings if endings and endings[-1] in _PACKED else endings[-1:]


def _bare(name: str) -> str:
    for ending in reversed(_endings(name)):
        name = name[: -len(ending) - 1]
    return name


def _member(path: Path, member: str) -> IO[bytes]:
    archive = zipfile.ZipFile(path)
    stream: Any = archive.open(member)
    archive.close()  # the member keeps the file open for itself
    return gzip.open(stream) if member.lower().endswith(".gz") else io.BufferedReader(stream)  # type: ignore[return-value]
