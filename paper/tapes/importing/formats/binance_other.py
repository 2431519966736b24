"""Data sets of Binance's public archive whose figures have no place on a tape."""

from collections.abc import Iterator
from typing import Final

from paper.tapes.importing.binance_archive import data_set
from paper.tapes.importing.facts import Facts
from paper.tapes.importing.reading import Format, Reading
from paper.tapes.importing.tables import Sample

DATA_SETS: Final = frozenset({"bookDepth", "bookTicker", "indexPriceKlines", "premiumIndexKlines"})


def _claims(sample: Sample) -> bool:
    return data_set(sample.source) in DATA_SETS


def _read(reading: Reading) -> Iterator[Facts]:
    reading.note("left out: its figures have no place on a tape")
    yield from ()


FORMAT: Final = Format("Binance archive, of no use to a tape", _claims, _read)
