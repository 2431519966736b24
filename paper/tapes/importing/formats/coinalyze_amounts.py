"""Coinalyze: open interest and sums of forced closes, in coin, valued at the close of a candle that is imported beside.

What its other histories tell (ratios, rates that do not say when they were settled) has no place on a tape.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from paper.tapes.importing.amounts import BookAmounts
from paper.tapes.importing.cells import Cells
from paper.tapes.importing.coinalyze import endpoint_of, series
from paper.tapes.importing.facts import Facts
from paper.tapes.importing.reading import Format, Reading
from paper.tapes.importing.tables import Sample
from paper.tapes.validation import Floats, Indices


def _claims(sample: Sample) -> bool:
    return endpoint_of(sample) not in (None, "ohlcv")


def _read(reading: Reading) -> Iterator[Facts]:
    endpoint = endpoint_of(reading.sample)
    if endpoint not in ("liquidation", "open-interest"):
        reading.note(f"left out: {endpoint} has no place on a tape")
        return
    for book, cells, span_ms in series(reading):
        ends = cells.times_ms("time") + span_ms
        value = _values(reading, book, cells, ends)
        if endpoint == "liquidation":
            sums = {"long_usd": cells.numbers("long") * value, "short_usd": cells.numbers("short") * value}
            yield reading.facts("totals", book, cells, ends, sums | {"span_ms": span_ms},
                                {"long_usd": "long", "short_usd": "short"})
        else:
            usd = cells.numbers("close") * value
            yield reading.facts("open_interest", book, cells, ends, {"oi_usd": usd}, {"oi_usd": "close"})


def _values(reading: Reading, book: BookAmounts, cells: Cells, ends: Indices) -> Floats:
    return np.ones(len(cells)) if reading.hints.in_usd else reading.closes(book, cells, ends, "time")


FORMAT: Final = Format("Coinalyze open interest and liquidation history", _claims, _read, valued_by_others=True)
