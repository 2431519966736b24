"""aggTrades and trades of Binance's public archive, USD-M and COIN-M, as bars. Of COIN-M quantities are contracts."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from paper.tapes.importing.binance_archive import archive_book, data_set
from paper.tapes.importing.coalesce import Coalescer
from paper.tapes.importing.facts import Facts
from paper.tapes.importing.reading import Format, Reading
from paper.tapes.importing.tables import Sample

AGGREGATED: Final = ("agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "transact_time",
                     "is_buyer_maker")  # fmt: skip
SINGLE: Final = ("id", "price", "quantity", "quote_quantity", "transact_time", "is_buyer_maker")
_SOLD_TO_A_MAKER: Final = {"true": 0, "false": 1}
"""Whether the taker bought, by whether the buyer was the maker."""


def _claims(sample: Sample) -> bool:
    if sample.width not in (len(AGGREGATED), len(SINGLE)):
        return False
    if sample.names:
        return sample.names[-1] == "is_buyer_maker"
    return sample.rows[0][-1].lower() in _SOLD_TO_A_MAKER and data_set(sample.source) in ("aggTrades", "trades")


def _read(reading: Reading) -> Iterator[Facts]:
    book = archive_book(reading)
    bars = Coalescer(reading, book)
    columns = AGGREGATED if reading.sample.width == len(AGGREGATED) else SINGLE
    for cells in reading.cells(columns):
        prices = cells.numbers("price")
        usd = book.traded_usd(cells.numbers("quantity"), prices)
        bought = cells.choices("is_buyer_maker", _SOLD_TO_A_MAKER)
        yield from bars.add(cells, "transact_time", prices, usd, bought.astype(np.float64))
    yield from bars.rest()


FORMAT: Final = Format("Binance archive: aggTrades, trades", _claims, _read)
