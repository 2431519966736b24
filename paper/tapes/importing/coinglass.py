"""What Coinglass's histories leave to the file's name: its endpoint, exchange and coin; and when a value was known.

Files are answers of https://open-api-v4.coinglass.com as they came or as tables, named after their endpoint
(`futures_fundingRate_ohlc_history_BTC_Binance`). A row's time is the begin of its interval.
"""

import re
from collections.abc import Iterator
from typing import Final

from liqbot.venues.registry import VENUES
from paper.tapes.importing.amounts import BookAmounts
from paper.tapes.importing.candles import pair_in, venue_in, with_span
from paper.tapes.importing.cells import Cells
from paper.tapes.importing.files import Source
from paper.tapes.importing.reading import Reading
from paper.tapes.importing.tables import Sample
from paper.tapes.validation import Indices

_SHORT: Final = {"t": "time", "o": "open", "h": "high", "l": "low", "c": "close"}
"""Names of earlier versions of the interface -> those of today."""


def endpoint_has(source: Source, word: str) -> bool:
    """Whether the file's name or its folders spell `word`, letters alone and small."""
    return any(word in re.sub(r"[^a-z]", "", part.lower()) for part in source.words)


def coin_in(source: Source) -> str | None:
    """The pair, or the one word in capitals that is no exchange."""
    capitals = {
        word for word in re.split(r"[^A-Za-z0-9]+", source.stem)
        if re.fullmatch(r"[A-Z0-9]*[A-Z][A-Z0-9]*", word) and len(word) > 1 and VENUES.spelt(word) is None
    }  # fmt: skip
    return pair_in(source) or (capitals.pop() if len(capitals) == 1 else None)


def history_book(reading: Reading, venue: str | None = None) -> BookAmounts:
    """The book of a history; `venue` where the endpoint says it."""
    source, hints = reading.sample.source, reading.hints
    named = venue or (None if hints.venue else venue_in(source))
    return reading.book(named, None if hints.coin else coin_in(source))


def is_ohlc(sample: Sample) -> bool:
    """Time, open, high, low, close and nothing else: what kind of figure it is only the endpoint says."""
    return {*sample.names} in ({*_SHORT}, {*_SHORT.values()})


def history(reading: Reading) -> Iterator[tuple[Cells, Indices, int]]:
    """Rows with the end of their interval, and its length."""
    for part, span_ms in with_span(reading, (), "t" if reading.sample.has("t") else "time"):
        cells = part.renamed(_SHORT)
        yield cells, cells.times_ms("time") + span_ms, span_ms
