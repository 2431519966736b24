"""Coinglass: price history of a pair at one exchange, with its volume in USD."""

from collections.abc import Iterator
from typing import Final

from paper.tapes.importing.candles import OHLC
from paper.tapes.importing.coinglass import history, history_book
from paper.tapes.importing.facts import Facts
from paper.tapes.importing.reading import Format, Reading
from paper.tapes.importing.tables import Sample

_FIGURES: Final = (*OHLC, "volume_usd")


def _claims(sample: Sample) -> bool:
    return {*sample.names} == {"time", *_FIGURES}


def _read(reading: Reading) -> Iterator[Facts]:
    book = history_book(reading)
    for cells, ends, span_ms in history(reading):
        yield reading.facts("bars", book, cells, ends,
                            {name: cells.numbers(name) for name in _FIGURES} | {"span_ms": span_ms})


FORMAT: Final = Format("Coinglass price history", _claims, _read)
