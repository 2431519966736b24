"""Funding settlements of Binance's public archive: rates as fractions, stamped up to some milliseconds late."""

from collections.abc import Iterator
from typing import Final

from liqbot.instruments import FundingStage
from paper.tapes.importing.binance_archive import archive_book
from paper.tapes.importing.facts import Facts
from paper.tapes.importing.reading import Format, Reading
from paper.tapes.importing.tables import Sample

_TIME, _HOURS, _RATE = "calc_time", "funding_interval_hours", "last_funding_rate"


def _claims(sample: Sample) -> bool:
    return sample.has(_TIME, _HOURS, _RATE)


def _read(reading: Reading) -> Iterator[Facts]:
    book = archive_book(reading)
    for cells in reading.cells():
        times, hours = cells.times_ms(_TIME), cells.numbers(_HOURS)
        yield reading.funding(book, cells, times, _RATE, hours, FundingStage.SETTLEMENT, as_fraction=True)


FORMAT: Final = Format("Binance archive: fundingRate", _claims, _read)
