"""Klines of Binance's public archive, USD-M and COIN-M, with and without a header line.

Columns by position, as https://github.com/binance/binance-public-data lists them. Of COIN-M the volumes are contracts.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from paper.tapes.importing.binance_archive import archive_book, data_set
from paper.tapes.importing.cells import is_time
from paper.tapes.importing.facts import Facts
from paper.tapes.importing.reading import Format, Reading
from paper.tapes.importing.tables import Sample

COLUMNS: Final = (
    "open_time", "open", "high", "low", "close", "volume", "close_time", "quote_volume", "count", "taker_buy_volume",
    "taker_buy_quote_volume", "ignore",
)  # fmt: skip
_CALLED: Final = {"volume_usd": "quote_volume", "buy_usd": "taker_buy_quote_volume", "span_ms": "close_time"}


def is_kline(sample: Sample) -> bool:
    """Twelve columns, the first and the seventh of them times."""
    names = [name.lower().replace(" ", "_") for name in sample.names]
    named = not names or (names[0], names[6:7]) == ("open_time", ["close_time"])
    return sample.width == len(COLUMNS) and named and is_time(sample.rows[0][0]) and is_time(sample.rows[0][6])


def _claims(sample: Sample) -> bool:
    return is_kline(sample) and data_set(sample.source) in (None, "klines")


def _read(reading: Reading) -> Iterator[Facts]:
    book = archive_book(reading)
    for cells in reading.cells(COLUMNS):
        begins, ends = cells.times_ms("open_time"), cells.times_ms("close_time") + 1
        volume, count = cells.numbers("volume"), cells.numbers("count")
        if not volume.any() and count.any():
            raise reading.error("volumes are 0 where trades are counted: mark prices belong in a folder"
                                " markPriceKlines, index and premium prices have no place on a tape")
        if book.inverse:
            close = cells.numbers("close")
            volume = book.traded_usd(volume, close)
            bought = book.traded_usd(cells.numbers("taker_buy_volume"), close)
        else:
            volume, bought = cells.numbers("quote_volume"), cells.numbers("taker_buy_quote_volume")
        columns = {name: cells.numbers(name) for name in COLUMNS[1:5]}
        columns |= {"volume_usd": volume, "buy_usd": bought, "sell_usd": np.maximum(volume - bought, 0.0)}
        yield reading.facts("bars", book, cells, ends, columns | {"span_ms": ends - begins}, _CALLED)


FORMAT: Final = Format("Binance archive: klines", _claims, _read)
