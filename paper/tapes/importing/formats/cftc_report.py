"""The CFTC's weekly report (Commitments of Traders, futures only): open interest of CME in contracts of several sizes.

Of all its markets those of bitcoin and ether are read. A report is of a Tuesday and becomes known on the Friday after.
"""

from collections.abc import Iterator
from typing import Final

import msgspec
import numpy as np

from liqbot.venues.books import Book
from liqbot.venues.cme.cftc import CLOSE_MS, CONTRACT_BASE, FORMS, PUBLISHED_MS, Columns
from paper.tapes.importing.amounts import amounts_of
from paper.tapes.importing.cells import TakenCells
from paper.tapes.importing.facts import Facts
from paper.tapes.importing.reading import Format, Reading
from paper.tapes.importing.tables import Sample
from paper.tapes.validation import Floats, Indices

_COINS: Final = tuple(dict.fromkeys(coin for coin, _ in CONTRACT_BASE.values()))
_LATE: Final = "reports count as known from the Friday after their date, 20:30 UTC; after holidays they came later"


class _Rows(msgspec.Struct):
    """One coin's rows of all parts: day (midnight UTC), coins, number in the file."""

    days_ms: Indices
    amounts_base: Floats
    at: Indices


def _form(sample: Sample) -> Columns | None:
    return next((form for form in FORMS if sample.has(*form)), None)


def _claims(sample: Sample) -> bool:
    return _form(sample) is not None


def _read(reading: Reading) -> Iterator[Facts]:
    form = _form(reading.sample)
    assert form is not None, "claimed by it"
    parts: dict[str, list[_Rows]] = {coin: [] for coin in _COINS}
    for cells in reading.cells():
        codes = cells.words(form.code).to_pylist()
        for coin in _COINS:
            sizes = np.array([_size(code, coin) for code in codes])
            own = cells.taken(sizes > 0.0)
            if len(own):
                amounts = own.numbers(form.open_interest) * sizes[sizes > 0.0]
                parts[coin].append(_Rows(own.times_ms(form.date), amounts, own.at))
    for coin, found in parts.items():
        if found:
            yield from _reports(reading, form, coin, found)


def _size(code: str | None, coin: str) -> float:
    """Coins of a contract; 0 for what is none of the coin's."""
    listed, size = CONTRACT_BASE.get(code or "", ("", 0.0))
    return size if listed == coin else 0.0


def _reports(reading: Reading, form: Columns, coin: str, found: list[_Rows]) -> Iterator[Facts]:
    """Contracts of every size of a day added up, valued at the coin's price of that time; days without one are left
    out."""
    days = np.concatenate([rows.days_ms for rows in found])
    amounts = np.concatenate([rows.amounts_base for rows in found])
    each, first, which = np.unique(days, return_index=True, return_inverse=True)
    base, at = np.bincount(which, weights=amounts), np.concatenate([rows.at for rows in found])[first]
    prices = reading.coin_closes(coin, each + CLOSE_MS)
    known = ~np.isnan(prices)
    if not known.all():
        reading.note(f"{coin}: {np.count_nonzero(~known)} of {len(each)} reports left out: no price of their time is "
                     "known; import candles of any venue with them")
    if known.any():
        reading.note(_LATE)
        cells = TakenCells(reading.sample.source.name, 0, {}, numbered=at[known])
        # Whatever venue is hinted at is that of the candles beside it.
        book = amounts_of(Book("cme", coin), None)
        facts = reading.facts("open_interest", book, cells, each[known] + CLOSE_MS,
                             {"oi_usd": base[known] * prices[known]}, {"oi_usd": form.open_interest})
        yield msgspec.structs.replace(facts, learnt=each[known] + PUBLISHED_MS)


FORMAT: Final = Format("CFTC weekly report (CME open interest)", _claims, _read, valued_by_others=True)
