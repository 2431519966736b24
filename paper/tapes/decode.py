"""From Arrow record batches to the structured rows of `EventBlock`: words become codes, null becomes NaN."""

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from liqbot.blocks import DTYPES, Rows
from liqbot.instruments import CONTRACTS, venue_key
from paper.tapes.format import (
    ALL_COLUMNS,
    COIN,
    CONTRACT,
    KEYS,
    KIND,
    KIND_OF_WORD,
    MAY_BE_NULL,
    TIME,
    VENUE,
    WHOLE,
    WORDED,
)
from paper.tapes.validation import Indices, TapeFault

Codes = npt.NDArray[np.int32]
_CODES_MAX: Final = 32_767
_NO_WORD: Final = -2
"""No column of words has this number."""


class BrokenError(Exception):
    """A fault met while decoding; the reader turns it into a line that names the file."""

    def __init__(self, fault: TapeFault) -> None:
        super().__init__(fault.wanted)
        self.fault = fault


class DecodedPart(msgspec.Struct, frozen=True, eq=False):
    """Some consecutive rows of a tape: by kind the rows and their numbers in the file, in file order."""

    times: Indices
    rows: dict[str, Rows]
    at: dict[str, Indices]


class Decoder:
    """Decodes batch after batch. Venue keys and coins are numbered as they appear unless given at the start."""

    def __init__(self, venues: Iterable[str] = (), coins: Iterable[str] = ()) -> None:
        self.venues = {name: code for code, name in enumerate(venues)}
        self.coins = {name: code for code, name in enumerate(coins)}

    def part(self, batch: Any, first_row: int) -> DecodedPart:
        """`batch` is a pyarrow RecordBatch of the tape's columns. `BrokenError` for words the format does not know."""
        columns = {name: batch.column(index) for index, name in enumerate(batch.schema.names)}
        kinds = _words(columns[KIND], first_row, KIND, {word: i for i, word in enumerate(KIND_OF_WORD)})
        head: dict[str, npt.NDArray[Any]] = {
            TIME: whole_numbers(columns[TIME], first_row, TIME),
            VENUE: self._venue_codes(columns, first_row),
            COIN: self._coin_codes(columns[COIN], first_row),
        }
        rows: dict[str, Rows] = {}
        at: dict[str, Indices] = {}
        for code, kind in enumerate(KIND_OF_WORD.values()):
            chosen = np.flatnonzero(kinds == code)
            if len(chosen):
                rows[kind] = _rows(kind, columns, head, chosen, first_row)
                at[kind] = chosen + first_row
        return DecodedPart(head[TIME], rows, at)

    def _coin_codes(self, column: Any, first_row: int) -> Codes:
        indices, words = text_codes(column)
        _refuse_nothing(indices, first_row, "coin", "a coin such as 'BTC' is right")
        for code, word in enumerate(words):
            if not word:
                _refuse_word(indices, code, first_row, "coin", word, "a coin such as 'BTC' is right")
        return _named(indices, words, self.coins)

    def _venue_codes(self, columns: Mapping[str, Any], first_row: int) -> Codes:
        """Venue and contract together name one book of positions."""
        indices, words = text_codes(columns["venue"])
        _refuse_nothing(indices, first_row, "venue", "a venue such as 'binance' is right")
        for code, word in enumerate(words):
            if not word or ":" in word:
                _refuse_word(indices, code, first_row, "venue", word, "a plain name such as 'binance' is right")
        if CONTRACT not in columns or columns[CONTRACT].null_count == len(indices):
            return _named(indices, words, self.venues)
        known = {"": 0, **{word: code + 1 for code, word in enumerate(CONTRACTS)}}
        contracts = _words(columns[CONTRACT], first_row, CONTRACT, known, nothing=0)
        pairs = indices * len(known) + contracts
        codes = [-1] * (len(words) * len(known))
        for pair in np.flatnonzero(np.bincount(pairs)).tolist():
            venue, contract = divmod(pair, len(known))
            codes[pair] = _code_of(self.venues, venue_key(words[venue], ("", *CONTRACTS)[contract]))
        return _looked_up(codes, pairs)


def _code_of(known: dict[str, int], word: str) -> int:
    code = known.setdefault(word, len(known))
    if code > _CODES_MAX:
        raise ValueError(f"more than {_CODES_MAX} different names, {word!r} is one too many")
    return code


def _rows(
    kind: str, columns: Mapping[str, Any], head: Mapping[str, npt.NDArray[Any]], chosen: Indices, first_row: int
) -> Rows:
    rows = np.empty(len(chosen), DTYPES[kind])
    everything = len(chosen) == len(head[TIME])
    for name in DTYPES[kind].names or ():
        if name in KEYS:
            rows[name] = head[name] if everything else head[name][chosen]
            continue
        stored = columns.get(name)
        if stored is None:  # an optional column that this file lacks
            stored = _arrow_nulls(len(head[TIME]))
        column = stored if everything else stored.take(_arrow(chosen))
        if name in WORDED:
            rows[name] = _worded(kind, name, column, first_row, chosen + first_row)
        elif ALL_COLUMNS[name] == WHOLE:
            rows[name] = whole_numbers(column, first_row, name, at=chosen + first_row)
        else:
            rows[name] = column.to_numpy(zero_copy_only=False) if column.null_count < len(column) else np.nan
    return rows


def _worded(kind: str, name: str, column: Any, first_row: int, at: Indices) -> npt.NDArray[Any]:
    """Numbers of a column of words; where the kind may leave it null, NaN stands for that."""
    if name not in MAY_BE_NULL[kind]:
        return _words(column, first_row, name, WORDED[name], at=at)
    codes = _words(column, first_row, name, WORDED[name], nothing=_NO_WORD, at=at)
    return np.where(codes == _NO_WORD, np.nan, codes)


def _arrow_nulls(count: int) -> Any:
    import pyarrow as pa

    return pa.nulls(count)


def _arrow(chosen: Indices) -> Any:
    import pyarrow as pa

    return pa.array(chosen)


def text_codes(column: Any) -> tuple[Codes, list[str]]:
    """(code per row, -1 for null; the words the codes stand for) of an Arrow text column."""
    import pyarrow as pa

    if pa.types.is_null(column.type):
        return np.full(len(column), -1, np.int32), []
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    indices = column.indices
    if indices.null_count:
        indices = indices.cast(pa.int32()).fill_null(-1)
    return indices.to_numpy(zero_copy_only=False).astype(np.int32), column.dictionary.to_pylist()


def _named(indices: Codes, words: Sequence[str], known: dict[str, int]) -> Codes:
    """Codes by name. A dictionary may hold words that no row uses; those get none."""
    used = np.bincount(indices, minlength=len(words)) > 0
    return _looked_up([_code_of(known, word) if used[code] else -1 for code, word in enumerate(words)], indices)


def _looked_up(codes: Sequence[int], indices: Codes, nothing: int = -1) -> Codes:
    """`nothing` for index -1, which is null."""
    found: Codes = np.array([*codes, nothing], np.int32)[indices]
    return found


def _words(
    column: Any,
    first_row: int,
    name: str,
    known: Mapping[str, int],
    *,
    nothing: int | None = None,
    at: Indices | None = None,
) -> Codes:
    """Codes of a column that may hold only `known` words; null stands for `nothing` when that is given."""
    indices, words = text_codes(column)
    right = f"one of {', '.join(word for word in known if word)} is right"
    if nothing is None:
        _refuse_nothing(indices, first_row, name, right, at)
    for code, word in enumerate(words):
        if word not in known:
            near = difflib.get_close_matches(word or "", known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            _refuse_word(indices, code, first_row, name, word, right + hint, at)
    return _looked_up([known.get(word, -1) for word in words], indices, -1 if nothing is None else nothing)


def _refuse_nothing(indices: Codes, first_row: int, name: str, wanted: str, at: Indices | None = None) -> None:
    if len(indices) and indices.min() < 0:
        _refuse_at(indices < 0, first_row, name, "nothing (null)", wanted, at)


def _refuse_word(
    indices: Codes, code: int, first_row: int, name: str, word: str | None, wanted: str, at: Indices | None = None
) -> None:
    """A dictionary may hold words that no row uses; those are nobody's fault."""
    if (indices == code).any():
        _refuse_at(indices == code, first_row, name, repr(word), wanted, at)


def _refuse_at(
    broken: npt.NDArray[np.bool_], first_row: int, name: str, value: object, wanted: str, at: Indices | None
) -> None:
    index = int(broken.argmax())
    raise BrokenError(TapeFault(int(at[index]) if at is not None else first_row + index, name, value, wanted))


def whole_numbers(column: Any, first_row: int, name: str, at: Indices | None = None) -> Indices:
    """int64 without gaps; floats pass when they are whole."""
    if column.null_count:
        absent = column.is_null().to_numpy(zero_copy_only=False)
        _refuse_at(absent, first_row, name, "nothing (null)", "a whole number of milliseconds is right", at)
    values: npt.NDArray[Any] = column.to_numpy(zero_copy_only=False)
    if values.dtype.kind == "f":
        broken = ~np.isfinite(values) | (np.abs(values) >= 2.0**53)
        broken |= np.where(broken, 0.0, values) != np.floor(np.where(broken, 0.0, values))
        if broken.any():
            value = float(values[int(broken.argmax())])
            _refuse_at(broken, first_row, name, value, "a whole number of milliseconds is right", at)
    return values.astype(np.int64)

