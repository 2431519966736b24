"""OHLCV as the unified client returns it, in JSON or CSV: time of opening, open, high, low, close, volume in coin."""

from collections.abc import Iterator
from typing import Final

from paper.tapes.importing.candles import OHLC, pair_in, typical_prices, venue_in, with_span
from paper.tapes.importing.cells import is_time
from paper.tapes.importing.facts import Facts
from paper.tapes.importing.formats.freqtrade import is_freqtrade
from paper.tapes.importing.reading import Format, Reading
from paper.tapes.importing.tables import Sample

COLUMNS: Final = ("timestamp", *OHLC, "volume")
_TIMES: Final = ("timestamp", "time", "date", "datetime", "open_time")


def _claims(sample: Sample) -> bool:
    if is_freqtrade(sample.source) or sample.source.holds in ("feather", "parquet") and not sample.names:
        return False
    names = [name.lower() for name in sample.names]
    named = not names or (names[0] in _TIMES and names[1:6] == list(COLUMNS[1:]))
    return sample.width == len(COLUMNS) and named and is_time(sample.rows[0][0])


def _read(reading: Reading) -> Iterator[Facts]:
    source, hints = reading.sample.source, reading.hints
    book = reading.book(None if hints.venue else venue_in(source), None if hints.coin else pair_in(source))
    reading.note("volume is taken as coin and valued at the mean of open, high, low and close")
    for cells, span_ms in with_span(reading, COLUMNS, "timestamp"):
        prices = {name: cells.numbers(name) for name in OHLC}
        usd = cells.numbers("volume") * typical_prices(cells)
        yield reading.facts("bars", book, cells, cells.times_ms("timestamp") + span_ms,
                            prices | {"volume_usd": usd, "span_ms": span_ms}, {"volume_usd": "volume"})


FORMAT: Final = Format("ccxt OHLCV", _claims, _read)
