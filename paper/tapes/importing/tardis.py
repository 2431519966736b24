"""What the CSV files of tardis.dev have in common: one file may hold many symbols, each row names its own.

Columns as https://docs.tardis.dev/downloadable-csv-files lists them. Amounts are in the units of the exchange.
`local_timestamp` (microseconds) is when a row was learnt; rows are sorted by it.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from paper.tapes.format import TapeError
from paper.tapes.importing.books import Book
from paper.tapes.importing.cells import Cells
from paper.tapes.importing.files import Source
from paper.tapes.importing.reading import Reading

LEARNT: Final = "local_timestamp"
HEAD: Final = ("exchange", "symbol", "timestamp", LEARNT)


def told_kind(source: Source, *kinds: str) -> str | None:
    """The one of `kinds` that the file's name or its folders spell: trades and liquidations have the same columns."""
    words = {part for word in source.words for part in word.replace("_", " ").split()}
    found = words.intersection(kinds)
    return found.pop() if len(found) == 1 else None


def by_book(reading: Reading, books: dict[tuple[str, str], Book | None]) -> Iterator[tuple[Book, Cells]]:
    """Rows of each symbol, part after part; `books` remembers what a symbol was found to be.

    What is no perpetual of a known contract is left out and told. TapeError for an unknown exchange."""
    for cells in reading.cells():
        pairs = [cells.words(name).dictionary_encode() for name in HEAD[:2]]
        codes = [one.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64) for one in pairs]
        for name, code in zip(HEAD, codes, strict=False):
            if (code < 0).any():
                cells.refuse(name, code < 0, "a name is right")
        exchanges, symbols = (one.dictionary.to_pylist() for one in pairs)
        joint = codes[0] * len(symbols) + codes[1]
        for code in np.unique(joint).tolist():
            key = (exchanges[code // len(symbols)], symbols[code % len(symbols)])
            if key not in books:
                books[key] = _book(reading, *key)
            book = books[key]
            if book is not None:
                yield book, cells if (joint == code).all() else cells.taken(joint == code)


def _book(reading: Reading, exchange: str, symbol: str) -> Book | None:
    reading.venue(exchange)
    try:
        return reading.book(exchange, symbol)
    except TapeError as error:
        reading.note(f"{symbol} is left out ({str(error).removeprefix(f'{reading.sample.source.name}: ')})")
        return None
