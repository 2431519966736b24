"""liquidationSnapshot of Binance's public archive: forced orders, at most one a second and symbol.

As in the venue's stream: the price is the order's own (the bankruptcy price), the size what was filled in all at the
average price. Of COIN-M quantities are contracts. A row that is told twice in a file is one order.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from paper.tapes.importing.binance_archive import archive_book
from paper.tapes.importing.facts import ORDER_SIDES, Facts
from paper.tapes.importing.reading import Format, Reading
from paper.tapes.importing.tables import Sample

_FILLED, _FILL_PRICE = "accumulated_fill_quantity", "average_price"


def _claims(sample: Sample) -> bool:
    return sample.has("time", "side", "price", _FILLED, _FILL_PRICE)


def _read(reading: Reading) -> Iterator[Facts]:
    book = archive_book(reading)
    for cells in reading.cells():
        times, filled = cells.times_ms("time"), cells.numbers(_FILLED)
        sides = cells.choices("side", ORDER_SIDES)
        price, average = cells.numbers("price"), cells.numbers(_FILL_PRICE)
        value = np.where(average > 0.0, average, price)
        rows = np.stack((times, sides, price, filled, average))
        first = np.unique(rows, axis=1, return_index=True)[1]
        kept = np.sort(first[filled[first] > 0.0])
        columns = {"side": sides, "price": price, "size_usd": book.traded_usd(filled, value)}
        yield reading.facts("liquidations", book, cells.taken(kept), times[kept],
                            {name: values[kept] for name, values in columns.items()}, {"size_usd": _FILLED})


FORMAT: Final = Format("Binance archive: liquidationSnapshot", _claims, _read)
