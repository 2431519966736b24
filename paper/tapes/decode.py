"""From Arrow record batches to the structured rows of `EventBlock`: words become codes, null becomes NaN."""

import difflib
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec
import numpy as np
import numpy.typing as npt

from liqbot.blocks import DTYPES, Roster, Rows
from liqbot.instruments import MAIN_CONTRACT, split_venue_key, venue_key
from liqbot.venues.books import Book, SpellingError, book_of
from paper.tapes.format import (
    ALL_COLUMNS,
    COIN,
    CONTRACT,
    KEYS,
    KIND,
    KIND_OF_WORD,
    LEARNT,
    MAY_BE_NULL,
    TIME,
    VENUE,
    WHOLE,
    WORDED,
)
from paper.tapes.validation import Indices, TapeFault

Codes = npt.NDArray[np.int32]
_CODES_MAX: Final = 32_767


class BrokenError(Exception):
    """A fault met while decoding; the reader turns it into a line that names the file."""

    def __init__(self, fault: TapeFault) -> None:
        super().__init__(fault.wanted)
        self.fault = fault


class DecodedPart(msgspec.Struct, frozen=True, eq=False):
    """Some consecutive rows of a tape: by kind the rows and their numbers in the file, in file order."""

    steps: Indices
    """The clock step of every row."""
    rows: dict[str, Rows]
    at: dict[str, Indices]
    first_row: int
    step_column: str = TIME
    """Where the clock steps stand."""

    def steps_of(self, kind: str) -> Indices:
        """The clock step of each row of one kind."""
        return self.steps[self.at[kind] - self.first_row]


class Decoder:
    """Decodes batch after batch. Venue keys and coins are numbered as they appear unless given at the start."""

    def __init__(self, venues: Iterable[str] = (), coins: Iterable[str] = ()) -> None:
        self.venues = {name: code for code, name in enumerate(venues)}
        self.coins = {name: code for code, name in enumerate(coins)}
        self._written = frozenset(split_venue_key(key)[0] for key in self.venues)
        """Venues of whoever wrote the file: known though no spec has them."""
        self._books: dict[tuple[str, str, str], Book] = {}
        self.read_as: list[str] = []
        """Spellings that are not the program's own, and what they were taken for."""

    @property
    def names(self) -> Roster:
        """What the codes given so far stand for."""
        return Roster(tuple(self.venues), tuple(self.coins))

    def part(self, batch: Any, first_row: int) -> DecodedPart:
        """`batch` is a pyarrow RecordBatch of the tape's columns. `BrokenError` for words the format does not know."""
        columns = {name: batch.column(index) for index, name in enumerate(batch.schema.names)}
        kinds = _words(columns[KIND], first_row, KIND, {word: i for i, word in enumerate(KIND_OF_WORD)})
        head: dict[str, npt.NDArray[Any]] = {
            TIME: whole_numbers(columns[TIME], first_row, TIME),
        }
        head[VENUE], head[COIN] = self._book_codes(columns, first_row)
        rows: dict[str, Rows] = {}
        at: dict[str, Indices] = {}
        for code, kind in enumerate(KIND_OF_WORD.values()):
            chosen = np.flatnonzero(kinds == code)
            if len(chosen):
                rows[kind] = _rows(kind, columns, head, chosen, first_row)
                at[kind] = chosen + first_row
        if LEARNT not in columns or columns[LEARNT].null_count == len(batch):
            return DecodedPart(head[TIME], rows, at, first_row)
        return DecodedPart(_learnt(columns[LEARNT], head[TIME], first_row), rows, at, first_row, LEARNT)

    def _book_codes(self, columns: Mapping[str, Any], first_row: int) -> tuple[Codes, Codes]:
        """Codes of venue key and coin. Venue, coin and contract together name one book of positions, however spelt."""
        venues, venue_words = text_codes(columns[VENUE])
        coins, coin_words = text_codes(columns[COIN])
        _refuse_nothing(venues, first_row, VENUE, "a venue such as 'binance' is right")
        _refuse_nothing(coins, first_row, COIN, "a coin such as 'BTC' is right")
        if CONTRACT in columns:
            contracts, contract_words = text_codes(columns[CONTRACT])
        else:
            contracts, contract_words = np.full(len(venues), -1, np.int32), []
        spelt = (venues.astype(np.int64) * len(coin_words) + coins) * (len(contract_words) + 1) + contracts + 1
        found, first, book_of_row = np.unique(spelt, return_index=True, return_inverse=True)
        codes = np.empty((2, len(found)), np.int32)
        for at, row in sorted(enumerate(first.tolist()), key=lambda pair: pair[1]):
            contract = contract_words[contracts[row]] if contracts[row] >= 0 else MAIN_CONTRACT
            words = (venue_words[venues[row]], coin_words[coins[row]], contract)
            codes[:, at] = self._codes_of(words, first_row + row)
        return codes[0][book_of_row], codes[1][book_of_row]

    def _codes_of(self, words: tuple[str, str, str], row: int) -> tuple[int, int]:
        venue, coin, contract = words
        if words not in self._books:
            try:
                book = book_of(venue, coin, contract, also=self._written)
            except SpellingError as error:
                value = dict(zip((VENUE, COIN, CONTRACT), words, strict=True))[error.column]
                raise BrokenError(TapeFault(row, error.column, repr(value), str(error))) from None
            self._books[words] = book
            self._tell(words, book)
        book = self._books[words]
        return _code_of(self.venues, book.venue_key), _code_of(self.coins, book.coin)

    def _tell(self, words: tuple[str, str, str], book: Book) -> None:
        venue, coin, contract = words
        if book != (venue_key(venue, contract), coin):
            spelt = f"{coin!r} of {venue!r}" + (f" ({contract!r})" if contract else "")
            self.read_as.append(f"{spelt} is read as {book.coin} of {book.venue_key}")


def series_of(rows: Rows) -> list[Indices]:
    """Indices of the rows of each book (venue and coin), their order kept."""
    return by_key(rows["venue"].astype(np.int64) * (int(rows["coin"].max()) + 1) + rows["coin"])


def by_key(keys: Indices) -> list[Indices]:
    """Indices of equal keys, their order kept. One key at least."""
    if keys.min() == keys.max():
        return [np.arange(len(keys))]
    # numpy sorts 16-bit integers by radix, several times faster than wider ones.
    narrow = keys.astype(np.int16) if keys.max() < _CODES_MAX else keys
    order = np.argsort(narrow, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(keys[order])) + 1)


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
    valid = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
    numbers = np.full(len(column), np.nan)
    numbers[valid] = _words(column.take(_arrow(valid)), first_row, name, WORDED[name], at=at[valid])
    return numbers


def _learnt(column: Any, times: Indices, first_row: int) -> Indices:
    """A row without it is learnt at its own time."""
    valid = np.flatnonzero(column.is_valid().to_numpy(zero_copy_only=False))
    steps = times.copy()
    steps[valid] = whole_numbers(column.take(_arrow(valid)), first_row, LEARNT, at=valid + first_row)
    return steps


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




def _words(
    column: Any,
    first_row: int,
    name: str,
    known: Mapping[str, int],
    *,
    at: Indices | None = None,
) -> Codes:
    """Codes of a column that may hold only `known` words."""
    indices, words = text_codes(column)
    right = f"one of {', '.join(known)} is right"
    _refuse_nothing(indices, first_row, name, right, at)
    for code, word in enumerate(words):
        if word not in known:
            near = difflib.get_close_matches(word or "", known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            _refuse_word(indices, code, first_row, name, word, right + hint, at)
    found: Codes = np.array([known.get(word, -1) for word in words], np.int32)[indices]
    return found


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

