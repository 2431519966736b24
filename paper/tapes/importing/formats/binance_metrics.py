"""Metrics of Binance's public archive: open interest every five minutes. The ratios beside it have no place on a tape.

`sum_open_interest_value` is USD for USD-M; for COIN-M it is coin, and the contracts of `sum_open_interest` are USD.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from paper.tapes.importing.binance_archive import archive_book
from paper.tapes.importing.facts import Facts
from paper.tapes.importing.reading import Format, Reading
from paper.tapes.importing.tables import Sample

_CONTRACTS, _VALUE = "sum_open_interest", "sum_open_interest_value"


def _claims(sample: Sample) -> bool:
    return sample.has("create_time", _CONTRACTS, _VALUE)


def _read(reading: Reading) -> Iterator[Facts]:
    book = archive_book(reading)
    name = _CONTRACTS if book.inverse else _VALUE
    for part in reading.cells():
        filled = np.nan_to_num(part.numbers(name, optional=True)) != 0.0
        if not filled.all():
            reading.note("rows without open interest are left out")
        cells = part.taken(filled)
        amounts = cells.numbers(name)
        usd = book.open_interest_usd(amounts, np.ones(len(amounts))) if book.inverse else amounts
        yield reading.facts("open_interest", book, cells, cells.times_ms("create_time"), {"oi_usd": usd},
                            {"oi_usd": name})


FORMAT: Final = Format("Binance archive: metrics", _claims, _read)
