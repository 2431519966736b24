"""What the CSV files of tardis.dev have in common: one file may hold many symbols, each row names its own.

Columns as https://docs.tardis.dev/downloadable-csv-files lists them. Amounts are in the units of the exchange.
`local_timestamp` (microseconds) is when a row was learnt; rows are sorted by it.
"""

from collections.abc import Iterator
from typing import Final

from paper.tapes.format import TapeError
from paper.tapes.importing.amounts import BookAmounts
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


def by_book(reading: Reading, books: dict[tuple[str, str], BookAmounts | None]) -> Iterator[tuple[BookAmounts, Cells]]:
    """Rows of each symbol, part after part; `books` remembers what a symbol was found to be.

    What is no perpetual of a known contract is left out and told. TapeError for an unknown exchange."""
    for part in reading.cells():
        for (exchange, symbol), cells in part.by_words(*HEAD[:2]):
            if (exchange, symbol) not in books:
                books[exchange, symbol] = _book(reading, exchange, symbol)
            book = books[exchange, symbol]
            if book is not None:
                yield book, cells


def _book(reading: Reading, exchange: str, symbol: str) -> BookAmounts | None:
    reading.venue(exchange)
    try:
        return reading.book(exchange, symbol)
    except TapeError as error:
        reading.note(f"{symbol} is left out ({str(error).removeprefix(f'{reading.sample.source.name}: ')})")
        return None
