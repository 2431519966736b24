"""Structs of arrays that grow by a row per venue and are written as plain builtins: dtype, shape and bytes, exactly.

A field's annotation says which of its axes runs over the rows; growing, taking one row out and (de)serialisation follow
from that, so that an array is declared in one place.
"""

from functools import cache
from typing import Annotated, Any, NamedTuple, Self, get_args, get_origin, get_type_hints

import msgspec
import numpy as np
import numpy.typing as npt


class PerRow(NamedTuple):
    """In an `Annotated` array: which axis runs over the venues' rows."""

    axis: int = 0
    fill: float | tuple[float, ...] = 0.0
    """What a new row holds; a tuple runs along the last axis."""
    in_snapshot: bool = True
    """False for arrays that the next step fills anew: they are zero after a restart."""
    by_line: bool = False
    """Written line by line along the last axis: each is filled in the middle and zero at both ends."""


@cache
def _fields(cls: type) -> dict[str, tuple[bool, PerRow | None]]:
    """Of the arrays and numbers of a struct: whether it is an array, and how it runs over the rows."""
    found: dict[str, tuple[bool, PerRow | None]] = {}
    for name, hint in get_type_hints(cls, include_extras=True).items():
        plain, *marks = get_args(hint) if get_origin(hint) is Annotated else (hint,)
        is_array = get_origin(plain) is np.ndarray
        if is_array or plain in {int, float}:
            found[name] = is_array, next((mark for mark in marks if isinstance(mark, PerRow)), None)
    return found


class RowArrays(msgspec.Struct):
    """A struct of arrays and numbers. Subclasses that hold anything else extend `packed` and `load`."""

    def add_row(self) -> None:
        """One more row in every array that has rows."""
        for name, (_, rows) in _fields(type(self)).items():
            if rows is not None:
                before = getattr(self, name)
                shape = [*before.shape]
                shape[rows.axis] = 1
                added = np.broadcast_to(np.array(rows.fill, before.dtype), shape)
                setattr(self, name, np.concatenate([before, added], axis=rows.axis))

    def one_row(self, row: int) -> Self:
        """A copy that has this row alone; what is neither array nor number is shared with it."""
        taken: dict[str, Any] = {name: getattr(self, name) for name in self.__struct_fields__}
        for name, (is_array, rows) in _fields(type(self)).items():
            value = getattr(self, name)
            if rows is not None:
                value = value.take([row], axis=rows.axis)
            taken[name] = value.copy() if is_array else value
        return type(self)(**taken)

    def packed(self) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for name, (is_array, rows) in _fields(type(self)).items():
            value = getattr(self, name)
            if rows is not None and rows.by_line:
                found[name] = [list(value.shape), [packed(line) for line in value.reshape(-1, value.shape[-1])]]
            elif rows is not None and not rows.in_snapshot:
                found[name] = list(value.shape)
            else:
                found[name] = packed(value) if is_array else value
        return found

    def load(self, record: dict[str, Any]) -> None:
        """Inverse of `packed`, into this very struct."""
        for name, (is_array, rows) in _fields(type(self)).items():
            kept = record[name]
            if rows is not None and rows.by_line:
                shape, lines = kept
                value = np.zeros(tuple(shape))
                for line, line_kept in zip(value.reshape(-1, shape[-1]), lines, strict=True):
                    line[:] = unpacked(line_kept)
                setattr(self, name, value)
            elif rows is not None and not rows.in_snapshot:
                setattr(self, name, np.zeros(tuple(kept)))
            else:
                setattr(self, name, unpacked(kept) if is_array else kept)


def packed(array: npt.NDArray[Any]) -> dict[str, Any]:
    """Little-endian, C order. Long runs of zeros at both ends of the flat array are left out."""
    flat = np.ascontiguousarray(array).ravel()
    filled = np.flatnonzero(flat)
    start, stop = (int(filled[0]), int(filled[-1]) + 1) if len(filled) else (0, 0)
    kept = flat[start:stop].astype(flat.dtype.newbyteorder("<"), copy=False)
    return {"dtype": kept.dtype.str, "shape": list(array.shape), "start": start, "data": kept.tobytes()}


def unpacked(record: dict[str, Any]) -> npt.NDArray[Any]:
    """Inverse of `packed`; a fresh, writable array in the machine's own byte order."""
    dtype = np.dtype(record["dtype"])
    flat = np.zeros(tuple(record["shape"]), dtype.newbyteorder("=")).ravel()
    values = np.frombuffer(record["data"], dtype)
    flat[record["start"] : record["start"] + len(values)] = values
    return flat.reshape(tuple(record["shape"]))
