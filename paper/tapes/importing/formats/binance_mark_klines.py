"""Mark price klines of Binance's public archive, which only their folder tells from klines."""

from collections.abc import Iterator
from typing import Final

from paper.tapes.importing.binance_archive import archive_book, data_set
from paper.tapes.importing.facts import Facts
from paper.tapes.importing.formats.binance_klines import COLUMNS, is_kline
from paper.tapes.importing.reading import Format, Reading
from paper.tapes.importing.tables import Sample


def _claims(sample: Sample) -> bool:
    return is_kline(sample) and data_set(sample.source) == "markPriceKlines"


def _read(reading: Reading) -> Iterator[Facts]:
    """The close, known at the end."""
    book = archive_book(reading)
    for cells in reading.cells(COLUMNS):
        columns = {"mark_price": cells.numbers("close")}
        yield reading.facts("marks", book, cells, cells.times_ms("close_time") + 1, columns, {"mark_price": "close"})


FORMAT: Final = Format("Binance archive: mark price klines", _claims, _read)
