"""Coinglass: open interest in USD, of a pair at one exchange, or of a coin over all, which bounds their sum."""

from collections.abc import Iterator
from typing import Final

from liqbot.instruments import AGGREGATE
from paper.tapes.importing.coinglass import endpoint_has, history, history_book, is_ohlc
from paper.tapes.importing.facts import Facts
from paper.tapes.importing.reading import Format, Reading
from paper.tapes.importing.tables import Sample

_PARTS: Final = ("coinmargin", "stablecoin")
"""Endpoints that count a part of the contracts."""


def _claims(sample: Sample) -> bool:
    source = sample.source
    part = any(endpoint_has(source, word) for word in _PARTS)
    return is_ohlc(sample) and endpoint_has(source, "openinterest") and not part


def _read(reading: Reading) -> Iterator[Facts]:
    """The close, known at the end of the interval."""
    book = history_book(reading, AGGREGATE if endpoint_has(reading.sample.source, "aggregated") else None)
    for cells, ends, _ in history(reading):
        yield reading.facts("open_interest", book, cells, ends, {"oi_usd": cells.numbers("close")}, {"oi_usd": "close"})


FORMAT: Final = Format("Coinglass open interest history", _claims, _read)
