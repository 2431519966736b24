"""The open leveraged positions of one coin, as columns: opening, crossing, closing, and what they add up to."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Slots = npt.NDArray[np.intp]

SIGNS: Final = np.array([1.0, -1.0])
"""Row 0 of every two-sided array holds longs, row 1 shorts."""
_EMPTY: Final = {
    "venue": (0.0, 0.0), "quantity_base": (0.0, 0.0), "entry_price": (0.0, 0.0), "margin_ratio": (0.0, 0.0),
    "leverage": (0.0, 0.0), "liquidation_price": (0.0, np.inf), "guard_price": (0.0, np.inf),
    "take_price": (np.inf, 0.0), "until_ms": (np.inf, np.inf),
}  # fmt: skip


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


class Crowd:
    """A slot is a flat index into (side, place). An empty slot has quantity 0 and prices that nothing can cross."""

    def __init__(self, venue_count: int, capacity: int) -> None:
        self._venues = venue_count
        self.capacity = 0
        self.totals_base: Floats = np.zeros((2, venue_count))
        """Sum of quantities per side and venue."""
        self.count = 0
        self._free: list[list[int]] = [[], []]
        self._columns: dict[str, Floats] = {name: np.empty(0) for name in _EMPTY}
        self._grow(capacity)

    def _grow(self, capacity: int) -> None:
        old, self.capacity = self.capacity, capacity
        for name, (long_value, short_value) in _EMPTY.items():
            column = np.repeat([[long_value], [short_value]], capacity, axis=1)
            if old:
                column[:, :old] = self._columns[name].reshape(2, old)
            self._columns[name] = column.ravel()
        for side in (0, 1):
            taken = self._columns["quantity_base"][side * capacity : (side + 1) * capacity] > 0
            self._free[side] = (np.flatnonzero(~taken)[::-1] + side * capacity).tolist()

    def __getattr__(self, name: str) -> Floats:
        try:
            return self.__dict__["_columns"][name]  # type: ignore[no-any-return]
        except KeyError:
            raise AttributeError(name) from None

    def open(self, new: Opening) -> None:
        """Adds positions; capacity doubles when a side is full."""
        sides = new.short.tolist()
        while min(len(self._free[0]) - sides.count(0), len(self._free[1]) - sides.count(1)) < 0:
            self._grow(self.capacity * 2)
        slots = np.array([self._free[side].pop() for side in sides], dtype=np.intp)
        for name in _EMPTY:
            self._columns[name][slots] = getattr(new, name)
        self._add(slots, new.quantity_base)
        self.count += len(slots)

    def close(self, slots: Slots) -> None:
        """Empties slots (each named once)."""
        self._add(slots, -self.quantity_base[slots])
        long = slots < self.capacity
        for side, own in ((0, slots[long]), (1, slots[~long])):
            for name, empty in _EMPTY.items():
                self._columns[name][own] = empty[side]
            self._free[side].extend(own.tolist())
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
        group = (slots >= self.capacity) * self._venues + self.venues_of(slots)
        self.totals_base += by_venue(group, quantity_base, 2 * self._venues).reshape(2, self._venues)

    def recount(self) -> None:
        """Sums the totals anew, which keeps rounding from piling up."""
        open_slots = self.open_slots()
        self.totals_base = np.zeros((2, self._venues))
        self._add(open_slots, self.quantity_base[open_slots])

    def open_slots(self) -> Slots:
        return np.flatnonzero(self.quantity_base)

    def venues_of(self, slots: Slots) -> Slots:
        return self.venue[slots].astype(np.intp)

    def signs_of(self, slots: Slots) -> Floats:
        return SIGNS[(slots >= self.capacity).astype(np.intp)]

    def crossed(self, low_price: Floats, high_price: Floats) -> Slots:
        """Slots whose guard lies within low..high of their own venue's mark."""
        # One comparison with the outermost venue finds the few candidates; only those are looked up by venue.
        long = np.flatnonzero(self.guard_price[: self.capacity] >= low_price.min())
        short = np.flatnonzero(self.guard_price[self.capacity :] <= high_price.max()) + self.capacity
        long = long[self.guard_price[long] >= low_price[self.venues_of(long)]]
        short = short[self.guard_price[short] <= high_price[self.venues_of(short)]]
        return np.concatenate((long, short))

    def reached(self, low_price: Floats, high_price: Floats) -> Slots:
        """Slots whose take-profit was traded through."""
        long = np.flatnonzero(self.take_price[: self.capacity] < high_price.max())
        short = np.flatnonzero(self.take_price[self.capacity :] > low_price.min()) + self.capacity
        long = long[self.take_price[long] < high_price[self.venues_of(long)]]
        short = short[self.take_price[short] > low_price[self.venues_of(short)]]
        return np.concatenate((long, short))

    def expired(self, now_ms: int) -> Slots:
        return np.flatnonzero(self.until_ms <= now_ms)

    def sample(self, uniform: Floats) -> Slots:
        """The open positions among randomly chosen slots, each once."""
        picked = np.unique((uniform * (2 * self.capacity)).astype(np.intp))
        return picked[self.quantity_base[picked] > 0]


def by_venue(venue: Slots, amounts: Floats, count: int) -> Floats:
    """Sums of `amounts` per venue number; zeros where there is none."""
    return np.asarray(np.bincount(venue, weights=amounts, minlength=count), dtype=np.float64)
