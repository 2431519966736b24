"""What a file of raw messages holds: one JSON object per line, of a kind given by `k`; and how such files are read.

Each file begins with its session and with the contracts of the venues that were recorded, so that it can be read alone.
"""

import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from liqbot.events import FeedDown, FeedUp

MANIFEST: Final = "manifest.json"
PATTERN: Final = f"raw-{'[0-9]' * 13}.jsonl.gz"
CHUNK_BYTES: Final = 1 << 16
GZIP_BITS: Final = 16 + zlib.MAX_WBITS


class _Frame(msgspec.Struct, frozen=True, tag_field="k", omit_defaults=True):
    pass


class Session(_Frame, frozen=True, tag="session"):
    """One process that recorded, and the settings by which messages become facts."""

    began_ms: int
    venues: tuple[str, ...]
    coins: tuple[str, ...]
    trade_span_ms: int
    flush_ms: int
    inferred: bool
    steps: bool = False
    """Whether it says when what was gathered went to the house and when clock steps ended; older ones do not."""


class Contracts(_Frame, frozen=True, tag="contracts"):
    """As the venue listed them when its feed began, in the unified client's words."""

    t: int
    v: str
    markets: msgspec.Raw


class Message(_Frame, frozen=True, tag="message"):
    """Received at `t` (ms since the epoch, this machine's clock) from venue `v` on socket `s`: text `m`, or bytes `b`
    (base64 in the file)."""

    t: int
    v: str
    s: str
    m: str | None = None
    b: bytes | None = None

    @property
    def raw(self) -> str | bytes:
        return self.m if self.m is not None else self.b or b""


class Answer(_Frame, frozen=True, tag="answer"):
    """To the venue's n-th repeated request: what no socket carries, such as open interest."""

    t: int
    v: str
    poll: int
    payload: msgspec.Raw


class Lost(_Frame, frozen=True, tag="lost"):
    """The stream of the venue's n-th subscription broke."""

    t: int
    v: str
    subscription: int
    reason: str


class HandedOver(_Frame, frozen=True, tag="put"):
    """What the venue's feed had gathered by `t` went to the house, with what it said of its lines."""

    t: int
    v: str
    facts: tuple[FeedUp | FeedDown, ...] = ()
    everything: bool = False
    """Bars that were still open too: the feed ended."""


class Ticked(_Frame, frozen=True, tag="tick"):
    """The clock step up to `tick` ended at `t`."""

    t: int
    tick: int
    lag: int = 0


class Dropped(_Frame, frozen=True, tag="dropped"):
    """So many messages are missing here: the disk was slower than the market, or did not answer."""

    t: int
    count: int


class RawFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A row of the manifest. `torn`: its writer died, it can be read up to the tear."""

    file: str
    first_ms: int
    last_ms: int
    messages: dict[str, int]
    """By venue, answers included."""
    bytes: int
    sha256: str
    torn: bool = False


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Of one directory, oldest file first."""

    version: int = 1
    files: tuple[RawFile, ...] = ()


Heard = Contracts | Message | Answer | Lost | Dropped | HandedOver | Ticked
Frame = Session | Heard
_DECODER: Final = msgspec.json.Decoder(Frame)


def lines_of(path: Path) -> Iterator[bytes]:
    """Whole lines, as far as the file can be unpacked: one whose writer was killed ends at the tear."""
    unpacking, rest = zlib.decompressobj(wbits=GZIP_BITS), b""
    with path.open("rb") as file:
        while packed := file.read(CHUNK_BYTES):
            try:
                *lines, rest = (rest + unpacking.decompress(packed)).split(b"\n")
            except zlib.error:
                return
            yield from lines
            if unpacking.eof:
                return


def frames_of(paths: Iterable[Path]) -> Iterator[Frame]:
    """In the order they were written. ValueError that names file, line and what is wrong with it."""
    for path in paths:
        for number, line in enumerate(lines_of(path), 1):
            try:
                yield _DECODER.decode(line)
            except msgspec.MsgspecError as error:
                raise ValueError(
                    f"{path}: line {number}: {error}; a frame as `record --raw` writes it is right"
                ) from None


def raw_files(directory: Path) -> list[Path]:
    """Oldest first: their names begin with the time they were begun."""
    return sorted(directory.glob(PATTERN))


def manifest_of(directory: Path) -> Manifest:
    """Empty where there is none. ValueError for one that cannot be read."""
    try:
        return msgspec.json.decode((directory / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError:
        return Manifest()
    except msgspec.MsgspecError as error:
        raise ValueError(f"{directory / MANIFEST}: {error}; delete it, it is made again from the files") from None
