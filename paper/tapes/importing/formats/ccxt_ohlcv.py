"""OHLCV as the unified client returns it, in JSON or CSV: time of opening, open, high, low, close, volume in coin."""

from collections.abc import Iterator
from typing import Final

from paper.tapes.importing.candles import OHLC, candle_book, candles
from paper.tapes.importing.cells import is_time
from paper.tapes.importing.facts import Facts
from paper.tapes.importing.formats.freqtrade import is_freqtrade
from paper.tapes.importing.reading import Format, Reading
from paper.tapes.importing.tables import Sample

COLUMNS: Final = ("timestamp", *OHLC, "volume")
_TIMES: Final = ("timestamp", "time", "date", "datetime", "open_time")


def _claims(sample: Sample) -> bool:
    if is_freqtrade(sample) or sample.width != len(COLUMNS):
        return False
    if sample.names:
        first, *rest = (name.lower() for name in sample.names)
        return first in _TIMES and tuple(rest) == COLUMNS[1:]
    return is_time(sample.rows[0][0])


def _read(reading: Reading) -> Iterator[Facts]:
    yield from candles(reading, candle_book(reading), COLUMNS, COLUMNS[0])


FORMAT: Final = Format("ccxt OHLCV", _claims, _read)
