"""Trades of tardis.dev, as bars. `side` is the taker's."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from paper.tapes.importing.amounts import BookAmounts
from paper.tapes.importing.coalesce import Coalescer
from paper.tapes.importing.facts import Facts
from paper.tapes.importing.reading import Format, Reading
from paper.tapes.importing.tables import Sample
from paper.tapes.importing.tardis import HEAD, LEARNT, by_book, told_kind

COLUMNS: Final = (*HEAD, "id", "side", "price", "amount")
KINDS: Final = ("trades", "liquidations")
_TAKER: Final = {"buy": 1, "sell": 0, "unknown": -1}


def _claims(sample: Sample) -> bool:
    return sample.names == COLUMNS and told_kind(sample.source, *KINDS) != "liquidations"


def _read(reading: Reading) -> Iterator[Facts]:
    if told_kind(reading.sample.source, *KINDS) is None:
        raise reading.error("trades and liquidations have the same columns: its name or folder must say which it holds")
    books: dict[tuple[str, str], BookAmounts | None] = {}
    open_bars: dict[BookAmounts, Coalescer] = {}
    for book, cells in by_book(reading, books):
        prices = cells.numbers("price")
        usd = book.traded_usd(cells.numbers("amount"), prices)
        takers = cells.choices("side", _TAKER)
        bought = np.where(takers < 0, np.nan, takers)
        yield from open_bars.setdefault(book, Coalescer(reading, book)).add(cells, LEARNT, prices, usd, bought)
    for bars in open_bars.values():
        yield from bars.rest()


FORMAT: Final = Format("tardis.dev trades", _claims, _read)
