"""The derivative ticker of tardis.dev: marks, open interest and funding forecasts, thinned to the span of a bar.

A cell is empty where the exchange does not tell the figure. Rates are fractions per interval and forecasts of the next
settlement, whose time is `funding_timestamp`.
"""

from collections.abc import Iterator
from typing import Final

import numpy as np

from liqbot.instruments import FundingStage
from liqbot.venues.parsing import INTERVAL_H_USUAL
from liqbot.venues.registry import usual_interval_h
from paper.tapes.importing.amounts import BookAmounts
from paper.tapes.importing.cells import Cells
from paper.tapes.importing.facts import Facts
from paper.tapes.importing.reading import Format, Reading
from paper.tapes.importing.tables import Sample
from paper.tapes.importing.tardis import HEAD, LEARNT, by_book
from paper.tapes.validation import Bools

_RATE, _INTEREST, _MARK, _INDEX = "funding_rate", "open_interest", "mark_price", "index_price"
_SETTLES: Final = "funding_timestamp"


def _claims(sample: Sample) -> bool:
    return sample.has(*HEAD, _SETTLES, _RATE, _INTEREST, _MARK, _INDEX)


def _read(reading: Reading) -> Iterator[Facts]:
    newest: dict[BookAmounts, int] = {}
    for book, part in by_book(reading, {}):
        slots = part.times_ms(LEARNT) // reading.hints.bar_ms
        # The last row of each span; a span that an earlier part of the file has told is told.
        last = (np.diff(slots, append=slots[-1] + 1) > 0) & (slots > newest.get(book, -1))
        newest[book] = max(newest.get(book, -1), int(slots[-1]))
        cells = part.taken(last)
        if len(cells):
            yield from _figures(reading, book, cells)


def _figures(reading: Reading, book: BookAmounts, cells: Cells) -> Iterator[Facts]:
    marks = cells.taken(_filled(cells, _MARK))
    columns = {_MARK: marks.numbers(_MARK), _INDEX: marks.numbers(_INDEX, optional=True)}
    yield reading.facts("marks", book, marks, marks.times_ms(LEARNT), columns)
    held = cells.taken(_filled(cells, _INTEREST, _MARK) & _changed(cells, _INTEREST))
    usd = book.open_interest_usd(held.numbers(_INTEREST), held.numbers(_MARK))
    yield reading.facts("open_interest", book, held, held.times_ms(LEARNT), {"oi_usd": usd}, {"oi_usd": _INTEREST})
    rated = cells.taken(_filled(cells, _RATE) & _changed(cells, _RATE))
    times, interval_h = rated.times_ms(LEARNT), _interval_h(reading, book, rated)
    yield reading.funding(book, rated, times, _RATE, interval_h, FundingStage.FORECAST, as_fraction=True)


def _interval_h(reading: Reading, book: BookAmounts, cells: Cells) -> float:
    """The longest interval that every settlement told lies on, as venues settle at whole intervals since midnight."""
    settled = cells.taken(_filled(cells, _SETTLES))
    if not len(settled):
        usual_h = usual_interval_h(book.venue_key)
        reading.note(f"{_SETTLES} is empty: funding is taken as every {usual_h:g} hours")
        return usual_h
    hours = settled.times_ms(_SETTLES) // 3_600_000 % 24
    return float(np.gcd.reduce([int(INTERVAL_H_USUAL), *np.unique(hours).tolist()]))


def _filled(cells: Cells, *names: str) -> Bools:
    filled = np.ones(len(cells), np.bool_)
    for name in names:
        filled &= np.isfinite(cells.numbers(name, optional=True))
    return filled


def _changed(cells: Cells, name: str) -> Bools:
    values = cells.numbers(name, optional=True)
    changed = np.ones(len(values), np.bool_)
    changed[1:] = values[1:] != values[:-1]
    return changed


FORMAT: Final = Format("tardis.dev derivative ticker", _claims, _read)
