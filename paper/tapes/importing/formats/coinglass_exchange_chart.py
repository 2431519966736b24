"""Coinglass: open interest in USD of a coin by exchange, one column each (`exchange-history-chart`)."""

from collections.abc import Iterator
from typing import Final

import numpy as np

from liqbot.venues.registry import VENUES
from paper.tapes.importing.coinglass import coin_in
from paper.tapes.importing.facts import Facts
from paper.tapes.importing.reading import Format, Reading
from paper.tapes.importing.tables import Sample

_TIMES: Final = ("timestamp", "time_list", "timeList")
_PRICES: Final = ("price", "price_list", "priceList")


def _claims(sample: Sample) -> bool:
    return len(sample.names) > 2 and sample.names[0] in _TIMES and sample.names[1] in _PRICES


def _read(reading: Reading) -> Iterator[Facts]:
    """An exchange tells all its contracts together; here they are its main one's."""
    time, _, *exchanges = reading.sample.names
    known = [name for name in exchanges if VENUES.spelt(name) is not None]
    if len(known) < len(exchanges):
        reading.note(f"left out, as no venues: {', '.join(sorted({*exchanges} - {*known}))}")
    reading.note("open interest of all contracts of an exchange is told as that of its main one")
    coin = None if reading.hints.coin else coin_in(reading.sample.source)
    for part in reading.cells():
        for name in known:
            # Before it was recorded an exchange has no figure, or 0.
            cells = part.taken(np.nan_to_num(part.numbers(name, optional=True)) > 0.0)
            yield reading.facts("open_interest", reading.book(name, coin), cells, cells.times_ms(time),
                                {"oi_usd": cells.numbers(name)}, {"oi_usd": name})


FORMAT: Final = Format("Coinglass open interest by exchange", _claims, _read)
