"""Rows on their way into a tape, the codes they bear, and prices that value what is told in coin."""

from typing import Final

import msgspec
import numpy as np

from liqbot.blocks import Roster, Rows
from liqbot.instruments import Side
from paper.tapes.format import COIN, TIME, VENUE
from paper.tapes.validation import Floats, Indices

ORDER_SIDES: Final = {"sell": int(Side.LONG), "buy": int(Side.SHORT)}
"""A forced order that sells closes a long."""


class BookCodes:
    """Codes of venue keys and coins, in the order in which they appear."""

    def __init__(self) -> None:
        self._venues: dict[str, int] = {}
        self._coins: dict[str, int] = {}

    def venue_code(self, venue_key: str) -> int:
        return self._venues.setdefault(venue_key, len(self._venues))

    def coin_code(self, coin: str) -> int:
        return self._coins.setdefault(coin, len(self._coins))

    def roster(self) -> Roster:
        return Roster(tuple(self._venues), tuple(self._coins))


class Closes:
    """Prices that were imported, one a minute: what amounts in coin are valued at where their file has no price."""

    _EVERY_MS: Final = 60_000
    _OLD_MS: Final = 86_400_000

    def __init__(self) -> None:
        self._parts: dict[tuple[int, int], list[tuple[Indices, Floats]]] = {}

    def add(self, facts: "Facts") -> None:
        """Of bars; other kinds have none."""
        if facts.kind != "bars" or not len(facts.rows):
            return
        rows = facts.rows[np.argsort(facts.rows[TIME], kind="stable")]
        last = np.diff(rows[TIME] // self._EVERY_MS, append=-1) != 0
        key = (int(rows[VENUE][0]), int(rows[COIN][0]))
        self._parts.setdefault(key, []).append((rows[TIME][last], rows["close"][last]))

    def at(self, venue_code: int, coin_code: int, times: Indices) -> Floats:
        """The newest close that was known at each time; NaN where none of the day before it is."""
        parts = self._parts.get((venue_code, coin_code), [])
        if not parts:
            return np.full(len(times), np.nan)
        known_ms = np.concatenate([part[0] for part in parts])
        order = np.argsort(known_ms, kind="stable")
        known_ms, closes = known_ms[order], np.concatenate([part[1] for part in parts])[order]
        index = np.searchsorted(known_ms, times, side="right") - 1
        fresh = (index >= 0) & (times - known_ms[index] <= self._OLD_MS)
        return np.where(fresh, closes[index], np.nan)


    def of_coin(self, coin_code: int, times: Indices) -> Floats:
        """The same at whatever venue brought its prices first."""
        found = np.full(len(times), np.nan)
        for venue, coin in self._parts:
            if coin == coin_code:
                found = np.where(np.isnan(found), self.at(venue, coin, times), found)
        return found


class Facts(msgspec.Struct, frozen=True, eq=False):
    """Rows of one kind; `at` is the number of each in its file."""

    kind: str
    rows: Rows
    at: Indices
    learnt: Indices | None = None
    """When each was learnt; None: at its own time."""
