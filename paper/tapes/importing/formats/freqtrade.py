"""Candles as freqtrade downloads them (feather, parquet, JSON): BTC_USDT_USDT-5m-futures, and -mark, -funding_rate.

https://www.freqtrade.io/en/stable/data-download/ names the kinds; the folder is the exchange. Funding rates stand in
`open`, as fractions, at the time of their settlement.
"""

import re
from collections.abc import Iterator
from typing import Final

from liqbot.instruments import FundingStage
from paper.tapes.importing.amounts import BookAmounts
from paper.tapes.importing.candles import OHLC, candles, pair_in, settlement_hours, venue_in, with_span
from paper.tapes.importing.facts import Facts
from paper.tapes.importing.files import Source
from paper.tapes.importing.reading import Format, Reading
from paper.tapes.importing.tables import Sample

_NAMED: Final = re.compile(r"[A-Z0-9]+_[A-Z0-9]+(?:_[A-Z0-9]+)?-\d+[smhdwM](?:-(?P<kind>\w+))?")
_COLUMNS: Final = ("date", *OHLC, "volume")


def is_freqtrade(source: Source) -> bool:
    """By its name: pair, time frame, kind of candle."""
    return _NAMED.fullmatch(source.stem) is not None


def _claims(sample: Sample) -> bool:
    return is_freqtrade(sample.source) and sample.width == len(_COLUMNS)


def _read(reading: Reading) -> Iterator[Facts]:
    source = reading.sample.source
    named = _NAMED.fullmatch(source.stem)
    kind = named["kind"] if named else None
    if kind not in _READERS:
        raise reading.error(f"its name tells {kind or 'spot'} candles; one of {', '.join(_READERS)} is right")
    book = reading.book(None if reading.hints.venue else venue_in(source), pair_in(source))
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
        columns = {"rate_pct": cells.numbers("open") * 100.0, "interval_h": settlement_hours(times),
                   "rate_stage": FundingStage.SETTLEMENT}
        yield reading.facts("funding", book, cells, times, columns, {"rate_pct": "open", "interval_h": "date"})


_READERS: Final = {"futures": _candles, "mark": _marks, "funding_rate": _funding}

FORMAT: Final = Format("freqtrade candles, marks, funding rates", _claims, _read)
