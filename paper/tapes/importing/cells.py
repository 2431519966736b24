"""Rows of a file as text, numbers and times; what does not fit is refused with its row, column, value and the right
form."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final, NoReturn

import msgspec
import numpy as np

from paper.tapes.format import TapeError
from paper.tapes.validation import FIRST_MS, LAST_MS, Bools, Floats, Indices, TapeFault

TIME_RIGHT: Final = "a time is right: seconds to nanoseconds since 1970, or ISO 8601 as 2024-06-20T03:00:00Z"
_HOUR_MS: Final = 3_600_000
_NONE: Final = -(2**31)
# From these on a number is milliseconds, microseconds, nanoseconds: 1e11 is a year beyond 5000 in seconds and 1973 in
# milliseconds.
_UNIT_BORDERS: Final = (10**11, 10**14, 10**17)
_PER_MS: Final = np.array([1, 1, 10**3, 10**6])


class Cells(msgspec.Struct, frozen=True, eq=False):
    """Some consecutive rows of one file; `columns` are Arrow arrays of equal length."""

    file: str
    first_row: int
    columns: Mapping[str, Any]
    utc_offset_h: float = 0.0
    """Of times that name no zone."""

    def __len__(self) -> int:
        return len(next(iter(self.columns.values()), ()))

    @property
    def at(self) -> Indices:
        """The number of every row in the file; the first is 0."""
        return np.arange(self.first_row, self.first_row + len(self))

    def taken(self, chosen: Indices | Bools) -> "TakenCells":
        """Some of the rows, which keep their numbers."""
        import pyarrow as pa

        indices = np.flatnonzero(chosen) if chosen.dtype == np.bool_ else chosen
        columns = {name: column.take(pa.array(indices)) for name, column in self.columns.items()}
        return TakenCells(self.file, self.first_row, columns, self.utc_offset_h, self.at[indices])

    def renamed(self, names: Mapping[str, str]) -> "Cells":
        """The same rows; columns that `names` does not have keep theirs."""
        columns = {names.get(name, name): column for name, column in self.columns.items()}
        return msgspec.structs.replace(self, columns=columns)

    def by_words(self, *names: str) -> Iterator[tuple[tuple[str, ...], "Cells"]]:
        """Rows of each combination of words in these columns, by their first row."""
        columns = [self.words(name).dictionary_encode() for name in names]
        codes = [column.indices.fill_null(-1).to_numpy(zero_copy_only=False) for column in columns]
        for name, code in zip(names, codes, strict=True):
            if (code < 0).any():
                self.refuse(name, code < 0, "a name is right")
        found, first, which = np.unique(np.stack(codes), axis=1, return_index=True, return_inverse=True)
        for index in np.argsort(first).tolist():
            words = tuple(
                column.dictionary[int(code)].as_py() for column, code in zip(columns, found[:, index], strict=True)
            )
            yield words, self if found.shape[1] == 1 else self.taken(which == index)

    def numbers(self, name: str, *, optional: bool = False) -> Floats:
        """Finite numbers; with `optional` an empty cell is NaN."""
        values = self._floats(name, "a number is right, as 1234.5")
        broken = np.isinf(values) if optional else ~np.isfinite(values)
        if broken.any():
            self.refuse(name, broken, "a finite number is right")
        return values

    def times_ms(self, name: str) -> Indices:
        """UTC milliseconds, from numbers of any usual unit or from ISO 8601; finer units are rounded down."""
        import pyarrow as pa

        column = self._column(name)
        if pa.types.is_timestamp(column.type):
            return self._inside(name, self._stamps(column))
        whole = _whole(column)
        if whole is not None:
            unit = np.searchsorted(_UNIT_BORDERS, whole, side="right")
            return self._inside(name, np.where(unit == 0, whole * 1_000, whole // _PER_MS[unit]))
        stamps = _iso(column) if _textual(column.type) else None
        if stamps is not None:
            return self._inside(name, self._stamps(stamps))
        values = self._floats(name, TIME_RIGHT)
        if not np.isfinite(values).all():
            self.refuse(name, ~np.isfinite(values), TIME_RIGHT)
        unit = np.searchsorted(_UNIT_BORDERS, values, side="right")
        times = np.where(unit == 0, np.rint(values * 1e3), values // _PER_MS[unit])
        return self._inside(name, times.astype(np.int64))

    def words(self, name: str) -> Any:
        """An Arrow column of texts, blanks around them removed; an empty cell is null."""
        import pyarrow as pa
        from pyarrow import compute

        column = compute.utf8_trim_whitespace(self._column(name).cast(pa.string()))
        return compute.if_else(compute.equal(column, ""), None, column)

    def choices(self, name: str, known: Mapping[str, int]) -> Indices:
        """The number that `known` has for each text, whatever its case."""
        words = self.words(name).dictionary_encode()
        table = [known.get(word.lower(), _NONE) for word in words.dictionary.to_pylist()]
        codes: Indices = np.array([*table, _NONE])[words.indices.fill_null(-1).to_numpy(zero_copy_only=False)]
        if (codes == _NONE).any():
            self.refuse(name, codes == _NONE, f"one of {', '.join(known)} is right")
        return codes

    def refuse(self, name: str, broken: Bools, wanted: str) -> NoReturn:
        """TapeError that names the first broken cell."""
        index = int(np.argmax(broken))
        value = self._column(name)[index].as_py()
        shown = "nothing" if value is None or value in ("", float("nan")) else value
        raise TapeError(TapeFault(int(self.at[index]), name, shown, wanted).line(self.file))

    def _column(self, name: str) -> Any:
        if name not in self.columns:
            raise TapeError(f"{self.file}: column {name!r} is missing; there are {', '.join(map(repr, self.columns))}")
        return self.columns[name]

    def _floats(self, name: str, wanted: str) -> Floats:
        import pyarrow as pa

        column = self._column(name)
        if pa.types.is_null(column.type):
            return np.full(len(column), np.nan)
        if _textual(column.type):
            column = self.words(name)
        try:
            return column.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            self.refuse(name, np.array([not _numeric(value) for value in column.to_pylist()]), wanted)

    def _stamps(self, column: Any) -> Indices:
        """Milliseconds of Arrow timestamps; null becomes a time that no market knows."""
        import pyarrow as pa

        naive = column.type.tz is None
        ns = column.cast(pa.timestamp("ns", column.type.tz)).cast(pa.int64()).fill_null(0)
        offset_ms = round(self.utc_offset_h * _HOUR_MS) if naive else 0
        times: Indices = ns.to_numpy(zero_copy_only=False) // 1_000_000 - offset_ms
        return times

    def _inside(self, name: str, times: Indices) -> Indices:
        odd = (times < FIRST_MS) | (times > LAST_MS)
        if odd.any():
            self.refuse(name, odd, TIME_RIGHT)
        return times


class TakenCells(Cells, frozen=True, eq=False):
    """Rows that do not follow each other in the file."""

    numbered: Indices = np.empty(0, np.int64)

    @property
    def at(self) -> Indices:
        return self.numbered


def _textual(arrow_type: Any) -> bool:
    from pyarrow import types

    if types.is_dictionary(arrow_type):
        arrow_type = arrow_type.value_type
    return bool(types.is_string(arrow_type) or types.is_large_string(arrow_type))


def _iso(column: Any) -> Any:
    """Timestamps of a text column, with their zone or without one; None when it holds something else."""
    import pyarrow as pa

    text = column.cast(pa.string())
    for kind in (pa.timestamp("ns"), pa.timestamp("ns", "UTC")):
        try:
            return text.cast(kind)
        except pa.ArrowInvalid:
            continue
    return None


def _whole(column: Any) -> Indices | None:
    """Whole numbers as they stand, which floats would round beyond 2**53; None where some are none, or out of reach."""
    import pyarrow as pa

    if not (pa.types.is_integer(column.type) or _textual(column.type)) or column.null_count:
        return None
    try:
        numbers: Indices = column.cast(pa.int64()).to_numpy(zero_copy_only=False)
    except pa.ArrowInvalid:
        return None
    return numbers if len(numbers) == 0 or np.abs(numbers).max() < 2**62 else None


def _numeric(value: Any) -> bool:
    if value is None:
        return True
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True


def is_time(text: str) -> bool:
    """Whether a cell could be a time, as a number or as ISO 8601."""
    try:
        return abs(float(text)) * 1e3 >= FIRST_MS
    except ValueError:
        try:
            datetime.fromisoformat(text.strip())
        except ValueError:
            return False
        return True
