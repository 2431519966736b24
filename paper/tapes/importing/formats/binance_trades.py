"""aggTrades and trades of Binance's public archive, USD-M and COIN-M, as bars. Of COIN-M quantities are contracts."""

from collections.abc import Iterator
from typing import Final

from paper.tapes.importing.binance_archive import archive_book
from paper.tapes.importing.coalesce import Coalescer
from paper.tapes.importing.facts import Facts
from paper.tapes.importing.reading import Format, Reading
from paper.tapes.importing.tables import Sample

AGGREGATED: Final = ("agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "transact_time",
                     "is_buyer_maker")  # fmt: skip
SINGLE: Final = ("id", "price", "quantity", "quote_quantity", "transact_time", "is_buyer_maker")
_TRUTH: Final = {"true": 1, "false": 0}


def _claims(sample: Sample) -> bool:
    if sample.width not in (len(AGGREGATED), len(SINGLE)):
        return False
    if sample.names:
        return sample.names[-1] == "is_buyer_maker"
    return sample.rows[0][-1].lower() in _TRUTH and {"aggTrades", "trades"} & {*sample.source.stem.split("-")} != set()


def _read(reading: Reading) -> Iterator[Facts]:
    """A buyer who was the maker was sold to."""
    book = archive_book(reading)
    bars = Coalescer(reading, book)
    columns = AGGREGATED if reading.sample.width == len(AGGREGATED) else SINGLE
    for cells in reading.cells(columns):
        prices = cells.numbers("price")
        usd = book.traded_usd(cells.numbers("quantity"), prices)
        yield from bars.add(cells, "transact_time", prices, usd, cells.choices("is_buyer_maker", _TRUTH) == 0)
    yield from bars.rest()


FORMAT: Final = Format("Binance archive: aggTrades, trades", _claims, _read)
