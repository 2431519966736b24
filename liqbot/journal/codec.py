"""How a block becomes bytes and comes back: facts as msgpack, market rows as compressed byte planes.

Rows are transposed to byte planes first (all first bytes, all second bytes, ...): the high bytes of times, codes and
prices of one step are nearly equal, so that a fast deflate finds long runs.
"""

import struct
import zlib
from typing import Final

import msgspec
import numpy as np

from liqbot.blocks import DTYPES, KINDS, NO_ROWS, EventBlock, Rows
from liqbot.events import Event
from liqbot.journal.errors import CorruptRecordError

_RAW: Final = b"\x00"
_DEFLATED: Final = b"\x01"
_DEFLATE_LEVEL: Final = 1
_DEFLATE_BYTES_MIN: Final = 192
_HEAD: Final = struct.Struct("<BI")

_facts_encoder: Final = msgspec.msgpack.Encoder()
_facts_decoder: Final = msgspec.msgpack.Decoder(tuple[Event, ...])


def pack_facts(facts: tuple[Event, ...]) -> bytes | None:
    """None for no facts at all, which is what most steps carry."""
    return _facts_encoder.encode(facts) if facts else None


def unpack_facts(stored: bytes | None) -> tuple[Event, ...]:
    """Inverse of `pack_facts`; CorruptRecordError when the bytes are no facts."""
    if stored is None:
        return ()
    try:
        return _facts_decoder.decode(stored)
    except (msgspec.DecodeError, ValueError) as error:
        raise CorruptRecordError(f"facts do not decode: {error}") from error


def pack_market(block: EventBlock) -> bytes | None:
    """All market rows of a block, kind by kind; None when it has none."""
    parts: list[bytes] = []
    for number, kind in enumerate(KINDS):
        rows = block.rows(kind)
        if rows.size:
            parts.append(_HEAD.pack(number, rows.size))
            parts.append(_planes(rows))
    if not parts:
        return None
    packed = b"".join(parts)
    if len(packed) < _DEFLATE_BYTES_MIN:
        return _RAW + packed
    return _DEFLATED + zlib.compress(packed, _DEFLATE_LEVEL)


def unpack_market(stored: bytes) -> dict[str, Rows]:
    """Inverse of `pack_market`: rows by kind, only kinds that have some. CorruptRecordError when bytes do not fit."""
    try:
        packed = zlib.decompress(stored[1:]) if stored[:1] == _DEFLATED else stored[1:]
        return dict(_kinds_in(packed))
    except (zlib.error, struct.error, ValueError, IndexError) as error:
        raise CorruptRecordError(f"market rows do not decode: {error}") from error


def block_from(
    facts: bytes | None, market: bytes | None, *, tick_ms: int | None, backfilled: bool, lag_ms: int
) -> EventBlock:
    """The block that was appended, byte for byte in every array."""
    columns = unpack_market(market) if market is not None else {}
    return EventBlock(
        **{**NO_ROWS, **columns}, facts=unpack_facts(facts), tick_ms=tick_ms, backfilled=backfilled, lag_ms=lag_ms
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


def _kinds_in(packed: bytes) -> list[tuple[str, Rows]]:
    found: list[tuple[str, Rows]] = []
    at = 0
    while at < len(packed):
        number, count = _HEAD.unpack_from(packed, at)
        at += _HEAD.size
        kind = KINDS[number]
        dtype = DTYPES[kind]
        planes = np.frombuffer(packed, np.uint8, count * dtype.itemsize, at).reshape(dtype.itemsize, count)
        found.append((kind, np.ascontiguousarray(planes.T).view(dtype).reshape(count)))
        at += count * dtype.itemsize
    return found
