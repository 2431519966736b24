"""Bars and sums that repeat the row before them in their series: read once, and counted.

Archives fill a missing hour with the one before it, and files that overlap are joined: the row says nothing new, and
taken twice it would count twice.
"""

from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from liqbot.blocks import DTYPES, Rows
from paper.tapes.decode import DecodedPart, series_of
from paper.tapes.format import TIME
from paper.tapes.validation import Indices

SPAN: Final = "span_ms"
SPANNED: Final = tuple(kind for kind, dtype in DTYPES.items() if SPAN in (dtype.names or ()))
Key = tuple[str, int, int]
"""Kind, and the codes of venue and coin: one series."""


class Tally(msgspec.Struct):
    """Rows of one series, and how many of them tell again what a row before them told."""

    rows: int = 0
    again: int = 0
    first: tuple[int, int] = (-1, -1)
    """Places in the file: the first row that tells again, and the row that told it before."""
    first_ms: int = 0

    def add(self, again: int, first: tuple[int, int], first_ms: int) -> None:
        if not self.again:
            self.first, self.first_ms = first, first_ms
        self.again += again


class Repeats:
    """Fed part after part in the order of the file."""

    def __init__(self) -> None:
        self.tallies: dict[Key, Tally] = {}
        self._last: dict[Key, tuple[Rows, int]] = {}
        """The newest row of each series (an array of one), and its place in the file."""

    def without(self, part: DecodedPart) -> DecodedPart:
        """The part without the bars and sums of which every cell is as in the row before."""
        rows, at = dict(part.rows), dict(part.at)
        for kind in SPANNED:
            if kind not in rows:
                continue
            again = self._again(kind, rows[kind], at[kind])
            if again.all():
                del rows[kind], at[kind]
            elif again.any():
                rows[kind], at[kind] = rows[kind][~again], at[kind][~again]
        return msgspec.structs.replace(part, rows=rows, at=at)

    def _again(self, kind: str, rows: Rows, at: Indices) -> npt.NDArray[np.bool_]:
        again = np.zeros(len(rows), bool)
        for chosen in series_of(rows):
            series, places = rows[chosen], at[chosen]
            key = (kind, int(series["venue"][0]), int(series["coin"][0]))
            tally = self.tallies.setdefault(key, Tally())
            before, before_row = self._last.get(key, (series[:1], -1))
            joined = np.concatenate((before, series))
            equal = _equals_the_one_before(joined)
            equal[0] &= before_row >= 0
            tally.rows += len(series)
            if equal.any():
                index = int(equal.argmax())
                first = int(places[index - 1]) if index else before_row
                tally.add(int(equal.sum()), (int(places[index]), first), int(series[TIME][index]))
                again[chosen] = equal
            kept = np.flatnonzero(~equal)
            if len(kept):
                self._last[key] = series[kept[-1:]], int(places[kept[-1]])
        return again


def _equals_the_one_before(rows: Rows) -> npt.NDArray[np.bool_]:
    """For every row but the first; cells are compared as they are stored, as NaN equals itself there."""
    equal: npt.NDArray[np.bool_] = np.diff(rows[TIME]) == 0
    suspects = np.flatnonzero(equal)
    if len(suspects):
        cells = np.ascontiguousarray(rows).view(np.uint8).reshape(len(rows), rows.dtype.itemsize)
        equal[suspects] = (cells[suspects] == cells[suspects + 1]).all(axis=1)
    return equal
