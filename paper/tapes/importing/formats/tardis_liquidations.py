"""Forced orders of tardis.dev. `side` is the order's: a sell closed a long."""

from collections.abc import Iterator
from typing import Final

from paper.tapes.importing.facts import ORDER_SIDES, Facts
from paper.tapes.importing.formats.tardis_trades import COLUMNS, KINDS
from paper.tapes.importing.reading import Format, Reading
from paper.tapes.importing.tables import Sample
from paper.tapes.importing.tardis import LEARNT, by_book, told_kind


def _claims(sample: Sample) -> bool:
    return sample.names == COLUMNS and told_kind(sample.source, *KINDS) == "liquidations"


def _read(reading: Reading) -> Iterator[Facts]:
    for book, cells in by_book(reading, {}):
        prices = cells.numbers("price")
        usd = book.traded_usd(cells.numbers("amount"), prices)
        columns = {"side": cells.choices("side", ORDER_SIDES), "price": prices, "size_usd": usd}
        yield reading.facts("liquidations", book, cells, cells.times_ms(LEARNT), columns, {"size_usd": "amount"})


FORMAT: Final = Format("tardis.dev liquidations", _claims, _read)
