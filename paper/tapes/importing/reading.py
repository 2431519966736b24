"""One file being read: what a format is, and what it may ask for while it makes rows of a tape from rows of the file.

Rows are checked here, where the file's own row, column and value can still be named.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec
import numpy as np

from liqbot.blocks import unknown_rows
from liqbot.instruments import AGGREGATE, MAIN_CONTRACT, FundingStage, split_venue_key
from liqbot.venues.books import SpellingError, book_of
from liqbot.venues.registry import VENUES
from paper.tapes.format import COIN, RATE_STAGE, TIME, VENUE, TapeError
from paper.tapes.importing.amounts import BookAmounts, amounts_of
from paper.tapes.importing.cells import Cells
from paper.tapes.importing.facts import BookCodes, Closes, Facts
from paper.tapes.importing.tables import Sample, cells_of
from paper.tapes.validation import Floats, Indices, row_fault


class Hints(msgspec.Struct, frozen=True):
    """What the one who imports says where the files do not. None: the files say it."""

    venue: str | None = None
    coin: str | None = None
    contract: str | None = None
    contract_units: float | None = None
    """One contract in base coin, of an inverse contract in USD."""
    utc_offset_h: float = 0.0
    """Of times that name no zone: 6 for UTC+6."""
    in_usd: bool = False
    """Volumes and amounts whose unit their file does not tell are USD, not coin."""
    bar_ms: int = 1_000
    """Single trades become bars of this span."""


class Reading:
    """One file being read in the format it was recognised as."""

    def __init__(self, sample: Sample, hints: Hints, codes: BookCodes, closes: Closes) -> None:
        self.sample, self.hints, self.codes, self._closes = sample, hints, codes, closes
        self.notes: list[str] = []
        """What had to be assumed or was left out, for people."""

    def cells(self, columns: Iterable[str] = ()) -> Iterator[Cells]:
        """All rows; `columns` name them in order, whatever the file calls them."""
        return cells_of(self.sample, tuple(columns), self.hints.utc_offset_h)

    def venue(self, stated: str | None = None) -> str:
        """The venue, as a venue key, that the file or the hint names. TapeError when none does, or they differ."""
        hinted = self.hints.venue
        word = stated or hinted
        if word is None:
            raise self.error("it does not say of which venue it is; say --venue, as in --venue binance")
        named = VENUES.spelt(word)
        if named is None:
            near = VENUES.nearest(word)
            hint = f"did you mean {near!r}?" if near else "'liqbot venues' lists those that are known"
            raise self.error(f"no such venue: {word!r}; {hint}")
        hinted_key = named if hinted is None or named == AGGREGATE else VENUES.spelt(hinted) or hinted
        if split_venue_key(named)[0] != split_venue_key(hinted_key)[0]:
            raise self.error(f"it is of {named}, not of {hinted}")
        return named

    def book(self, venue: str | None = None, symbol: str | None = None) -> BookAmounts:
        """The book that `symbol` names at `venue`; hints stand in for what is None. TapeError when it is not known."""
        word = symbol or self.hints.coin
        if word is None:
            raise self.error("it does not say of which coin it is; say --coin, as in --coin BTC")
        named, _ = split_venue_key(self.venue(venue))
        try:
            book = book_of(venue or self.hints.venue or named, word, self.hints.contract or MAIN_CONTRACT)
            hinted = book_of(named, self.hints.coin) if self.hints.coin else book
        except SpellingError as error:
            raise self.error(f"{error.column} of {word!r} at {named}: {error}") from None
        if book.coin != hinted.coin:
            raise self.error(f"it is of {book.coin}, not of {hinted.coin}")
        return amounts_of(book, self.hints.contract_units)

    def facts(
        self, kind: str, book: BookAmounts, cells: Cells, times: Indices, columns: Mapping[str, Any],
        called: Mapping[str, str] | None = None,
    ) -> Facts:  # fmt: skip
        """Rows of `kind`, one per row of `cells`. `called` has the file's name of a column where it differs.

        TapeError for the first row that the format does not allow, named as in the file."""
        rows = unknown_rows(kind, len(times))
        rows[TIME], rows[VENUE] = times, self.codes.venue_code(book.venue_key)
        rows[COIN] = self.codes.coin_code(book.coin)
        for name, values in columns.items():
            rows[name] = values
        fault = row_fault(kind, rows, cells.at)
        if fault is not None:
            column = (called or {}).get(fault.column, fault.column)
            raise TapeError(msgspec.structs.replace(fault, column=column).line(cells.file))
        return Facts(kind, rows, cells.at)

    def funding(
        self, book: BookAmounts, cells: Cells, times: Indices, name: str, interval_h: Floats | float,
        stage: FundingStage, *, as_fraction: bool,
    ) -> Facts:  # fmt: skip
        """Funding rates that stand in column `name`, as percent or as fractions."""
        rates = cells.numbers(name) * (100.0 if as_fraction else 1.0)
        columns = {"rate_pct": rates, "interval_h": interval_h, RATE_STAGE: float(stage)}
        return self.facts("funding", book, cells, times, columns, {"rate_pct": name})

    def closes(self, book: BookAmounts, cells: Cells, times: Indices, name: str) -> Floats:
        """Prices of the book at `times`, which stand in column `name`. TapeError where none was imported beside."""
        venue, coin = self.codes.venue_code(book.venue_key), self.codes.coin_code(book.coin)
        prices = self._closes.at(venue, coin, times)
        if np.isnan(prices).any():
            cells.refuse(name, np.isnan(prices), f"it tells coins, and no price of {book.coin} on {book.venue_key} at"
                         " that time is known: import its candles with it")
        return prices

    def coin_closes(self, coin: str, times: Indices) -> Floats:
        """Prices of the coin at `times`, at whatever venue was imported before; NaN where none is known."""
        return self._closes.of_coin(self.codes.coin_code(coin), times)

    def note(self, text: str) -> None:
        """Said once, whatever the number of parts."""
        if text not in self.notes:
            self.notes.append(text)

    def error(self, text: str) -> TapeError:
        return TapeError(f"{self.sample.source.name}: {text}")


class Format(msgspec.Struct, frozen=True):
    """One kind of file. `claims` looks at names and a few rows; no two formats claim the same file."""

    name: str
    """For people, as in "Binance archive: klines"."""
    claims: Callable[[Sample], bool]
    read: Callable[[Reading], Iterator[Facts]]
    """Facts in any order of time."""
    valued_by_others: bool = False
    """It tells coins without a price, and is read after the files that bring one."""
