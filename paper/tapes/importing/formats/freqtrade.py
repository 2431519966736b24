"""Candles as freqtrade downloads them (feather, parquet, JSON): BTC_USDT_USDT-5m-futures, and -mark, -funding_rate.

https://www.freqtrade.io/en/stable/data-download/ names the kinds; the folder is the exchange. Funding rates stand in
`open`, as fractions, at the time of their settlement.
"""

import re
from collections.abc import Iterator
from typing import Final

from liqbot.instruments import FundingStage
from paper.tapes.importing.amounts import BookAmounts
from paper.tapes.importing.candles import OHLC, candle_book, candles, settlement_hours, with_span
from paper.tapes.importing.facts import Facts
from paper.tapes.importing.reading import Format, Reading
from paper.tapes.importing.tables import Sample

_NAMED: Final = re.compile(r"[A-Z0-9]+_[A-Z0-9]+(?:_[A-Z0-9]+)?-\d+[smhdwM](?:-(?P<kind>\w+))?")
_COLUMNS: Final = ("date", *OHLC, "volume")


def is_freqtrade(sample: Sample) -> bool:
    """By its name (pair, time frame, kind of candle), or by rates where a candle has its opening price and no other."""
    return sample.width == len(_COLUMNS) and (_NAMED.fullmatch(sample.source.stem) is not None or _holds_rates(sample))


def _holds_rates(sample: Sample) -> bool:
    return all(re.fullmatch(r"0+(\.0*)?", cell) for row in sample.rows for cell in row[2:])


def _read(reading: Reading) -> Iterator[Facts]:
    source = reading.sample.source
    named = _NAMED.fullmatch(source.stem)
    kind = "funding_rate" if _holds_rates(reading.sample) else named["kind"] if named else None
    if kind not in _READERS:
        raise reading.error(f"its name tells {kind or 'spot'} candles; one of {', '.join(_READERS)} is right")
    book = candle_book(reading)
    yield from _READERS[kind](reading, book)


def _candles(reading: Reading, book: BookAmounts) -> Iterator[Facts]:
    yield from candles(reading, book, _COLUMNS, _COLUMNS[0])


def _marks(reading: Reading, book: BookAmounts) -> Iterator[Facts]:
    """The close, known at the end."""
    for cells, span_ms in with_span(reading, _COLUMNS, "date"):
        yield reading.facts("marks", book, cells, cells.times_ms("date") + span_ms,
                            {"mark_price": cells.numbers("close")}, {"mark_price": "close"})


def _funding(reading: Reading, book: BookAmounts) -> Iterator[Facts]:
    for cells in reading.cells(_COLUMNS):
        times = cells.times_ms("date")
        hours = settlement_hours(times)
        yield reading.funding(book, cells, times, "open", hours, FundingStage.SETTLEMENT, as_fraction=True)


_READERS: Final = {"futures": _candles, "mark": _marks, "funding_rate": _funding}

FORMAT: Final = Format("freqtrade candles, marks, funding rates", is_freqtrade, _read)
