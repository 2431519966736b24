"""The open leveraged positions of one coin, as columns: opening, crossing, closing, and what they add up to."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Slots = npt.NDArray[np.intp]

SIGNS: Final = np.array([1.0, -1.0])
"""Row 0 of every two-sided array holds longs, row 1 shorts."""
_COLUMNS: Final = ("quantity_base", "entry_price", "margin_ratio", "leverage", "liquidation_price")
_TRIGGERS: Final = {"guard_price": (0.0, np.inf), "take_price": (np.inf, 0.0), "until_ms": (np.inf, np.inf)}
"""Columns that are looked through in full, with the values (long, short) that nothing ever meets."""


class Opening(NamedTuple):
    """Columns of new positions. `margin_ratio` is margin over entry notional; `guard_price` is where the position ends
    on an adverse move: its stop if it has one, else its liquidation price."""

    short: npt.NDArray[np.intp]
    venue: npt.NDArray[np.intp]
    quantity_base: Floats
    entry_price: Floats
    margin_ratio: Floats
    leverage: Floats
    liquidation_price: Floats
    guard_price: Floats
    take_price: Floats
    until_ms: Floats

    def chosen(self, rows: Slots) -> "Opening":
        """Those of some rows alone."""
        return Opening(**{name: column[rows] for name, column in self._asdict().items()})


class Crowd:
    """A slot is a flat index into (side, place). An empty slot has quantity 0 and triggers that nothing can meet; its
    other columns keep what was there."""

    quantity_base: Floats
    entry_price: Floats
    margin_ratio: Floats
    leverage: Floats
    liquidation_price: Floats
    guard_price: Floats
    take_price: Floats
    until_ms: Floats

    def __init__(self, venue_count: int, capacity: int) -> None:
        self._venues = venue_count
        self.capacity = 0
        self.venue: Slots = np.zeros(0, dtype=np.intp)
        self.totals_base: Floats = np.zeros((2, venue_count))
        """Sum of quantities per side and venue."""
        self.count = 0
        self._free: list[list[int]] = [[], []]
        self._grow(capacity)

    def _grow(self, capacity: int) -> None:
        old, self.capacity = self.capacity, capacity
        empties = dict.fromkeys(_COLUMNS, (0.0, 0.0)) | _TRIGGERS
        for name, values in empties.items():
            column = np.repeat(np.array(values)[:, None], capacity, axis=1)
            if old:
                column[:, :old] = getattr(self, name).reshape(2, old)
            setattr(self, name, column.ravel())
        venue = np.zeros((2, capacity), dtype=np.intp)
        venue[:, :old] = self.venue.reshape(2, old)
        self.venue = venue.ravel()
        for side in (0, 1):
            taken = self.quantity_base[side * capacity : (side + 1) * capacity] > 0
            self._free[side] = (np.flatnonzero(~taken)[::-1] + side * capacity).tolist()

    def open(self, new: Opening) -> None:
        """Adds positions; capacity doubles when a side is full."""
        sides = new.short.tolist()
        while min(len(self._free[0]) - sides.count(0), len(self._free[1]) - sides.count(1)) < 0:
            self._grow(self.capacity * 2)
        slots = np.array([self._free[side].pop() for side in sides], dtype=np.intp)
        self.venue[slots] = new.venue
        for name in (*_COLUMNS, *_TRIGGERS):
            getattr(self, name)[slots] = getattr(new, name)
        self._add(slots, new.quantity_base)
        self.count += len(slots)

    def close(self, slots: Slots) -> None:
        """Empties slots (each named once)."""
        if not len(slots):
            return
        self._add(slots, -self.quantity_base[slots])
        self.quantity_base[slots] = 0.0
        short = (slots >= self.capacity).astype(np.intp)
        for name, empty in _TRIGGERS.items():
            getattr(self, name)[slots] = np.array(empty)[short]
        for slot in slots.tolist():
            self._free[slot >= self.capacity].append(slot)
        self.count -= len(slots)

    def shrink(self, slots: Slots, quantity_base: Floats, margin_ratio: Floats, liquidation_price: Floats) -> None:
        """Sets what a partial forced close leaves: the rest has no stop any more."""
        self._add(slots, quantity_base - self.quantity_base[slots])
        self.quantity_base[slots] = quantity_base
        self.protect(slots, margin_ratio, liquidation_price)
        self.guard_price[slots] = liquidation_price

    def protect(self, slots: Slots, margin_ratio: Floats, liquidation_price: Floats) -> None:
        """More margin: the liquidation price moves away, a stop stays where it is."""
        unguarded = self.guard_price[slots] == self.liquidation_price[slots]
        self.margin_ratio[slots] = margin_ratio
        self.liquidation_price[slots] = liquidation_price
        self.guard_price[slots] = np.where(unguarded, liquidation_price, self.guard_price[slots])

    def _add(self, slots: Slots, quantity_base: Floats) -> None:
        group = (slots >= self.capacity) * self._venues + self.venue[slots]
        self.totals_base += by_venue(group, quantity_base, 2 * self._venues).reshape(2, self._venues)

    def recount(self) -> None:
        """Sums the totals anew, which keeps rounding from piling up."""
        open_slots = self.open_slots()
        self.totals_base = np.zeros((2, self._venues))
        self._add(open_slots, self.quantity_base[open_slots])

    def open_slots(self) -> Slots:
        return np.flatnonzero(self.quantity_base)

    def signs_of(self, slots: Slots) -> Floats:
        return SIGNS[(slots >= self.capacity).astype(np.intp)]

    def crossed(self, low_price: Floats, high_price: Floats) -> Slots:
        """Slots whose guard lies within low..high of their own venue's mark."""
        # One comparison with the outermost venue finds the few candidates; only those are looked up by venue.
        long = (self.guard_price[: self.capacity] >= low_price.min()).nonzero()[0]
        short = (self.guard_price[self.capacity :] <= high_price.max()).nonzero()[0] + self.capacity
        long = long[self.guard_price[long] >= low_price[self.venue[long]]]
        short = short[self.guard_price[short] <= high_price[self.venue[short]]]
        return np.concatenate((long, short))

    def reached(self, low_price: Floats, high_price: Floats) -> Slots:
        """Slots whose take-profit was traded through."""
        long = (self.take_price[: self.capacity] < high_price.max()).nonzero()[0]
        short = (self.take_price[self.capacity :] > low_price.min()).nonzero()[0] + self.capacity
        long = long[self.take_price[long] < high_price[self.venue[long]]]
        short = short[self.take_price[short] > low_price[self.venue[short]]]
        return np.concatenate((long, short))

    def expired(self, now_ms: int) -> Slots:
        return (self.until_ms <= now_ms).nonzero()[0]

    def sample(self, uniform: Floats) -> Slots:
        """The open positions among randomly chosen slots, each once."""
        picked = np.unique((uniform * (2 * self.capacity)).astype(np.intp))
        return picked[self.quantity_base[picked] > 0]


def by_venue(venue: Slots, amounts: Floats, count: int) -> Floats:
    """Sums of `amounts` per venue number; zeros where there is none."""
    return np.asarray(np.bincount(venue, weights=amounts, minlength=count), dtype=np.float64)
