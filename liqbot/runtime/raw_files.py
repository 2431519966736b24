"""Files of raw messages on disk: packed as they grow, rotated, listed in a manifest, and the oldest given up at a cap.

Used by one thread. What was written is handed to the system every second at a point where unpacking may end, so that a
process that is killed loses a second at most; a machine that loses its power may lose more of the newest file.
"""

import contextlib
import hashlib
import os
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import msgspec
import structlog

from liqbot.private_files import PRIVATE_FILE, make_private_directory, replace_private_file
from liqbot.runtime.raw_frames import (
    CHUNK_BYTES,
    GZIP_BITS,
    MANIFEST,
    Answer,
    Contracts,
    Frame,
    Manifest,
    Message,
    RawFile,
    frames_of,
    manifest_of,
    raw_files,
)

_LEVEL: Final = 6
_HOUR_MS: Final = 3_600_000
_MARGIN_BYTES: Final = 3_000
"""For the row of a file that is closed, twice, and for what packing adds to the last line."""
_log = structlog.get_logger(__name__)


class RawFiles:
    """Every method may raise OSError; after one the open file is left as it is, and the next frame begins another."""

    def __init__(
        self, directory: Path, bytes_max: int, file_bytes: int, beginning: Callable[[], Sequence[Frame]]
    ) -> None:
        """`beginning` gives what every file begins with. Files that a killed process left behind are listed at once."""
        self._directory, self._bytes_max = directory, bytes_max
        self._file_bytes, self._beginning = min(file_bytes, bytes_max // 2), beginning
        self._encoder = msgspec.json.Encoder()
        make_private_directory(directory)
        self._manifest = _with_unlisted(directory)
        self._file: _OpenFile | None = None
        self._listed_bytes = 0
        """What the listed files and their list take."""
        self._store()

    def write(self, frame: Frame, now_ms: int) -> bool:
        """False for a frame that does not fit below the cap, whatever is given up for it."""
        line = self._encoder.encode(frame) + b"\n"
        file = self._file
        if file is None or file.hour != now_ms // _HOUR_MS or not file.takes(len(line), self._file_bytes):
            self.close()
            file = self._file = _OpenFile(self._fresh(now_ms), now_ms // _HOUR_MS)
            for one in self._beginning():
                self._put(file, one, self._encoder.encode(one) + b"\n")
            file.begun()
        return self._put(file, frame, line)

    def _put(self, file: "_OpenFile", frame: Frame, line: bytes) -> bool:
        if file.bytes_max + len(line) + self._listed_bytes > self._bytes_max - _MARGIN_BYTES:
            file.flush()
            self._store(file.bytes_max + len(line))
            if file.bytes_max + len(line) + self._listed_bytes > self._bytes_max - _MARGIN_BYTES:
                return False
        file.write(frame, line)
        return True

    def flush(self) -> None:
        if self._file is not None:
            self._file.flush()

    def abandon(self) -> None:
        """The disk failed: the open file is listed at the next start."""
        file, self._file = self._file, None
        if file is not None:
            file.abandon()

    def close(self) -> None:
        """The open file is on disk and listed. It stays the last word about it: nothing is written behind it."""
        file, self._file = self._file, None
        if file is not None:
            row = file.close()
            self._manifest = Manifest(files=(*self._manifest.files, row))
            self._store()

    def _fresh(self, now_ms: int) -> Path:
        """A name behind all others, also when the clock was set back."""
        taken = raw_files(self._directory)
        newest = int(taken[-1].name[4:17]) if taken else 0
        return self._directory / f"raw-{max(now_ms, newest + 1):013d}.jsonl.gz"

    def _store(self, growing_bytes: int = 0) -> None:
        """Gives up the oldest until the rest, and a file that grows beside them, stay below the cap."""
        files, growing_bytes = list(self._manifest.files), max(growing_bytes, self._file_bytes) + _MARGIN_BYTES
        while True:
            listed = msgspec.json.format(msgspec.json.encode(Manifest(files=tuple(files))))
            # Twice: the list that takes its place is there for a moment too.
            self._listed_bytes = sum(one.bytes for one in files) + 2 * len(listed)
            if not files or self._listed_bytes + growing_bytes <= self._bytes_max:
                break
            oldest = files.pop(0)
            (self._directory / oldest.file).unlink(missing_ok=True)
            _log.warning("raw messages given up: record.raw_gb_max is reached", file=oldest.file, bytes=oldest.bytes)
        self._manifest = Manifest(files=tuple(files))
        replace_private_file(self._directory / MANIFEST, listed)


def packed_max(text_bytes: int) -> int:
    """What so much text takes packed, at most: text that cannot be packed is stored, with five bytes for each block of
    16 KiB, a flush or the end, and the file's own beginning and end."""
    return text_bytes + 5 * (text_bytes // 16_384 + 2) + 18 + 8


class _OpenFile:
    def __init__(self, path: Path, hour: int) -> None:
        self.path, self.hour, self.packed_bytes = path, hour, 0
        self._file = os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE), "wb")
        self._packing = zlib.compressobj(_LEVEL, wbits=GZIP_BITS)
        self._digest = hashlib.sha256()
        self._counts = _Counts()
        self._unflushed_bytes = 0
        """Of the text that went in since the packer last gave out all that it had."""
        self._begun_bytes = 0

    @property
    def bytes_max(self) -> int:
        """How large it is at most once what the packer still holds is written and the file is closed."""
        return self.packed_bytes + packed_max(self._unflushed_bytes)

    def begun(self) -> None:
        """What every file begins with is in it."""
        self.flush()
        self._begun_bytes = self.packed_bytes

    def takes(self, line_bytes: int, file_bytes: int) -> bool:
        """Whether a line more leaves it within its size, be it unpackable: at least as much as it begins with."""
        file_bytes = max(file_bytes, 2 * self._begun_bytes + line_bytes)
        if self.bytes_max + line_bytes > file_bytes:
            self.flush()
        return self.bytes_max + line_bytes <= file_bytes

    def write(self, frame: Frame, line: bytes) -> None:
        self._unflushed_bytes += len(line)
        self._put(self._packing.compress(line))
        self._counts.take(frame)

    def flush(self) -> None:
        if self._unflushed_bytes:
            self._put(self._packing.flush(zlib.Z_SYNC_FLUSH))
            self._unflushed_bytes = 0
        self._file.flush()

    def close(self) -> RawFile:
        self._put(self._packing.flush())
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        return self._counts.row(self.path, self.packed_bytes, self._digest.hexdigest())

    def abandon(self) -> None:
        with contextlib.suppress(OSError):
            self._file.close()

    def _put(self, packed: bytes) -> None:
        self._file.write(packed)
        self._digest.update(packed)
        self.packed_bytes += len(packed)


class _Counts:
    def __init__(self) -> None:
        self._times: list[int] = []
        self._messages: dict[str, int] = {}

    def take(self, frame: Frame) -> None:
        if isinstance(frame, Message | Answer):
            self._times = [min(frame.t, *self._times), max(frame.t, *self._times)] if self._times else [frame.t] * 2
            self._messages[frame.v] = self._messages.get(frame.v, 0) + 1
        elif isinstance(frame, Contracts):
            self._messages.setdefault(frame.v, 0)

    def row(self, path: Path, size_bytes: int, sha256: str, *, torn: bool = False) -> RawFile:
        first_ms, last_ms = self._times or (0, 0)
        return RawFile(path.name, first_ms, last_ms, dict(self._messages), size_bytes, sha256, torn)


def _with_unlisted(directory: Path) -> Manifest:
    """The manifest without files that are gone, and with those that it does not know."""
    try:
        known = {one.file: one for one in manifest_of(directory).files}
    except ValueError as error:
        _log.warning("the manifest of raw messages is made again", reason=str(error))
        known = {}
    return Manifest(files=tuple(known.get(path.name) or _read(path) for path in raw_files(directory)))


def _read(path: Path) -> RawFile:
    counts, digest, torn = _Counts(), hashlib.sha256(), False
    try:
        for frame in frames_of([path]):
            counts.take(frame)
    except ValueError as error:
        _log.warning("a file of raw messages is damaged", reason=str(error))
        torn = True
    unpacking = zlib.decompressobj(wbits=GZIP_BITS)
    with path.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            digest.update(chunk)
            try:
                unpacking.decompress(chunk)
            except zlib.error:
                torn = True
                unpacking = zlib.decompressobj(wbits=GZIP_BITS)
    torn = torn or not unpacking.eof
    _log.info("raw messages of an earlier process", file=path.name, torn=torn)
    return counts.row(path, path.stat().st_size, digest.hexdigest(), torn=torn)
