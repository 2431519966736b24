"""Arrays as plain builtins, for snapshots: dtype, shape and bytes, restored exactly."""

from typing import Any

import numpy as np
import numpy.typing as npt


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
