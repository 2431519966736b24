"""How a block becomes bytes and comes back: facts as msgpack, market rows as compressed byte planes.

Rows are transposed to byte planes first (all first bytes, all second bytes, ...): the high bytes of times, codes and
prices of one step are nearly equal, so that a fast deflate finds long runs.
"""

import re
import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import Any, Final, get_args

import msgspec
import numpy as np

from liqbot.blocks import KINDS, NO_ROWS, EventBlock, Rows
from liqbot.events import Event, FeedDown, FeedUp
from liqbot.journal.errors import CorruptRecordError, JournalError, UnknownShapeError
from liqbot.journal.shape import TODAY, KindReading, Shape

_RAW: Final = b"\x00"
_DEFLATED: Final = b"\x01"
_DEFLATE_LEVEL: Final = 1
_DEFLATE_BYTES_MIN: Final = 192
_HEAD: Final = struct.Struct("<BI")

_facts_encoder: Final = msgspec.msgpack.Encoder()
_facts_decoder: Final = msgspec.msgpack.Decoder(tuple[Event, ...])
_raw_decoder: Final = msgspec.msgpack.Decoder(tuple[msgspec.Raw, ...])
_feed_decoder: Final = msgspec.msgpack.Decoder(FeedUp | FeedDown)
_FEED_TYPES: Final = frozenset(("FeedUp", "FeedDown"))
_FACT_TYPES: Final = frozenset(fact.__name__ for fact in get_args(Event))


_OTHER_SHAPE: Final = ("unknown field", "missing required field", "Invalid enum value")
"""What msgspec says of facts that are sound, but not of this program."""


class _Tagged(msgspec.Struct):
    """A fact of which only the type is read."""

    type: str


def pack_facts(facts: tuple[Event, ...]) -> bytes | None:
    """None for no facts at all, which is what most steps carry."""
    return _facts_encoder.encode(facts) if facts else None


def unpack_facts(stored: bytes | None) -> tuple[Event, ...]:
    """Inverse of `pack_facts`. UnknownShapeError for a fact, or a field of one, that this program does not know or
    finds missing; CorruptRecordError when the bytes are no facts. A missing field that has a default takes it."""
    if stored is None:
        return ()
    try:
        return _facts_decoder.decode(stored)
    except (msgspec.DecodeError, ValueError) as error:
        raise _unread(stored, error) from error


def unpack_feed_facts(stored: bytes | None) -> tuple[FeedUp | FeedDown, ...]:
    """Only what a record says of feeds: nothing else in it is decoded, known to this program or not. Raises as
    `unpack_facts`."""
    if stored is None:
        return ()
    try:
        facts = [raw for raw in _raw_decoder.decode(stored) if _type_of(raw) in _FEED_TYPES]
        return tuple(_feed_decoder.decode(raw) for raw in facts)
    except (msgspec.DecodeError, ValueError) as error:
        raise _unread(stored, error) from error


def _type_of(raw: msgspec.Raw) -> str:
    return msgspec.msgpack.decode(raw, type=_Tagged).type


def _unread(stored: bytes, error: Exception) -> JournalError:
    """Which fact it was, as far as the bytes say it."""
    try:
        named = msgspec.msgpack.decode(stored, type=list[_Tagged])
    except (msgspec.DecodeError, ValueError):
        return CorruptRecordError(f"facts do not decode: {error}")
    unknown = sorted({fact.type for fact in named} - _FACT_TYPES)
    if unknown:
        return UnknownShapeError(
            f"fact {unknown[0]!r} is not one this program knows: a newer liqbot wrote it; read it with that version"
        )
    if any(one in str(error) for one in _OTHER_SHAPE):
        at = re.search(r"\$\[(\d+)\]", str(error))
        which = named[int(at[1])].type if at is not None and int(at[1]) < len(named) else "a fact"
        return UnknownShapeError(f"{which}: {error}; another liqbot wrote it: read it with that version")
    return CorruptRecordError(f"facts do not decode: {error}")


def pack_market(block: EventBlock, shape: Shape = TODAY) -> bytes | None:
    """All market rows of a block, kind by kind in the order of `shape`, whose columns the rows must have; None when
    there are no rows."""
    parts: list[bytes] = []
    for number, one in enumerate(shape.kinds):
        rows = block.rows(one.kind)
        if rows.size:
            parts.append(_HEAD.pack(number, rows.size))
            parts.append(_planes(rows))
    if not parts:
        return None
    packed = b"".join(parts)
    if len(packed) < _DEFLATE_BYTES_MIN:
        return _RAW + packed
    return _DEFLATED + zlib.compress(packed, _DEFLATE_LEVEL)


def unpack_market(stored: bytes, kinds: Sequence[KindReading]) -> dict[str, Rows]:
    """Inverse of `pack_market`: rows by kind, only kinds that have some. `kinds` says how each number of the record's
    shape is read. CorruptRecordError when bytes do not fit, UnknownShapeError for what this program does not know."""
    try:
        packed = zlib.decompress(stored[1:]) if stored[:1] == _DEFLATED else stored[1:]
        return dict(_kinds_in(packed, kinds))
    except (zlib.error, struct.error, ValueError, IndexError) as error:
        raise CorruptRecordError(f"market rows do not decode: {error}") from error


def is_head(row: Sequence[object]) -> bool:
    """Whether the columns of a stored block, `seq` to `facts`, are of the kinds they were written in: SQLite keeps
    whatever it is given."""
    numbers, tick_ms, source, facts = (*row[:2], row[3], row[4], row[6], row[7]), row[2], row[5], row[8]
    return (
        all(isinstance(one, int) for one in numbers) and isinstance(tick_ms, int | None) and isinstance(source, str)
        and isinstance(facts, bytes | None)
    )


def block_from(
    facts: bytes | None, columns: Mapping[str, Rows], *, tick_ms: int | None, backfilled: bool, lag_ms: int
) -> EventBlock:
    """The block that was appended; byte for byte in every array that was written in today's columns."""
    rows: dict[str, Any] = {**NO_ROWS, **columns}
    return EventBlock(
        **rows, facts=unpack_facts(facts), tick_ms=tick_ms, backfilled=backfilled, lag_ms=lag_ms
    )


def block_time_ms(block: EventBlock, otherwise_ms: int) -> int:
    """The block's place in time: its Tick, else its newest fact or row, else `otherwise_ms`."""
    if block.tick_ms is not None:
        return block.tick_ms
    newest = [fact.time_ms for fact in block.facts]
    newest += [int(block.rows(kind)["time_ms"].max()) for kind in KINDS if block.rows(kind).size]
    return max(newest, default=otherwise_ms)


def _planes(rows: Rows) -> bytes:
    flat = np.ascontiguousarray(rows).view(np.uint8).reshape(rows.size, rows.dtype.itemsize)
    return flat.T.tobytes()


def _kinds_in(packed: bytes, kinds: Sequence[KindReading]) -> list[tuple[str, Rows]]:
    found: list[tuple[str, Rows]] = []
    at = 0
    while at < len(packed):
        number, count = _HEAD.unpack_from(packed, at)
        at += _HEAD.size
        one = kinds[number]
        itemsize = one.stored.itemsize
        planes = np.frombuffer(packed, np.uint8, count * itemsize, at).reshape(itemsize, count)
        found.append((one.kind, one.rows(np.ascontiguousarray(planes.T).view(one.stored).reshape(count))))
        at += count * itemsize
    return found
