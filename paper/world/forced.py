"""Closing under force: which positions the mark has run over, what of them is sold, and what the public hears of it."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from paper.world.crowd import SIGNS, Crowd, Slots, by_venue
from paper.world.draws import Draws, Floats
from paper.world.margins import Margins
from paper.world.params import TradedVenue, VenueParams

_PASSES_MAX: Final = 60
TRUE_FORCED: Final = np.dtype(
    [("time_ms", "<i8"), ("venue", "<i2"), ("coin", "<i2"), ("side", "i1"), ("leverage", "<f8"),
     ("entry_price", "<f8"), ("price", "<f8"), ("bankruptcy_price", "<f8"), ("size_usd", "<f8")]
)  # fmt: skip
"""One row per forced close, published or not; `price` is the liquidation price, at which the mark triggered it."""

Rows = npt.NDArray[np.void]
Flags = npt.NDArray[np.bool_]


class Swept(NamedTuple):
    """What one pass closed. Flows are signed taker USD per venue: selling negative."""

    flow_usd: Floats
    forced: Rows


class Forced:
    """Empties what the mark crossed. Large positions are closed part by part, the rest liquidates deeper."""

    def __init__(self, venues: tuple[VenueParams, ...], margins: Margins) -> None:
        self._count = len(venues)
        self._margins = margins
        self._partial_above = np.array([venue.partial_above_usd for venue in venues])
        self._partial_share = np.array([venue.partial_share for venue in venues])

    def sweep(self, crowd: Crowd, slots: Slots, *, whole: bool = False) -> Swept:
        """Closes the crossed slots: stops as taker orders, the others by force at their liquidation price."""
        venue, sign = crowd.venue[slots], crowd.signs_of(slots)
        guard = crowd.guard_price[slots]
        forced = guard == crowd.liquidation_price[slots]
        usd = crowd.quantity_base[slots] * guard
        partial = forced & (usd > self._partial_above[venue]) & (self._partial_share[venue] < 1) & (not whole)
        closed_usd = np.where(partial, usd * self._partial_share[venue], usd)
        flow = by_venue(venue, -sign * closed_usd, self._count)
        rows = self._rows(crowd, slots[forced], closed_usd[forced])
        self._reduce(crowd, slots[partial])
        crowd.close(slots[~partial])
        return Swept(flow, rows)

    def _rows(self, crowd: Crowd, slots: Slots, closed_usd: Floats) -> Rows:
        rows = np.zeros(len(slots), TRUE_FORCED)
        sign, entry = crowd.signs_of(slots), crowd.entry_price[slots]
        rows["venue"], rows["side"] = crowd.venue[slots], sign
        rows["leverage"], rows["entry_price"] = crowd.leverage[slots], entry
        rows["price"], rows["size_usd"] = crowd.liquidation_price[slots], closed_usd
        rows["bankruptcy_price"] = entry * np.maximum(1 - sign * crowd.margin_ratio[slots], 1e-4)
        return rows

    def _reduce(self, crowd: Crowd, slots: Slots) -> None:
        """All equity stays with the smaller rest, which moves its liquidation price outward."""
        if not len(slots):
            return
        venue, short = crowd.venue[slots], (slots >= crowd.capacity).astype(np.intp)
        entry, price, quantity = crowd.entry_price[slots], crowd.liquidation_price[slots], crowd.quantity_base[slots]
        kept = 1 - self._partial_share[venue]
        profit_ratio = SIGNS[short] * (price - entry) / entry
        margin = (crowd.margin_ratio[slots] + profit_ratio) / kept - profit_ratio
        deeper = self._margins.liquidation_price(short, venue, entry, quantity * kept, margin)
        crowd.shrink(slots, quantity * kept, margin, deeper)

    def sweep_all(self, crowd: Crowd, low_price: Floats, high_price: Floats) -> list[Swept]:
        """Passes until nothing within low..high is left; parts of large positions may need several."""
        done: list[Swept] = []
        for number in range(_PASSES_MAX + 1):
            slots = crowd.crossed(low_price, high_price)
            if not len(slots):
                break
            done.append(self.sweep(crowd, slots, whole=number == _PASSES_MAX))
        return done


class Throttle:
    """Feeds that tell at most one forced order per venue and window of its own: the newest."""

    def __init__(self, venues: Sequence[TradedVenue]) -> None:
        self._throttle_ms = np.array([venue.forced_throttle_ms for venue in venues])
        self._last_window = np.full(len(venues), -1)

    def newest(self, venue: Slots, time_ms: npt.NDArray[np.int64], candidates: Flags) -> Flags:
        """Which of the `candidates`, in order of time, are published; a window is served once, whatever comes later."""
        keep = candidates.copy()
        for index in np.flatnonzero(self._throttle_ms).tolist():
            own = np.flatnonzero((venue == index) & candidates)
            if not len(own):
                continue
            window = time_ms[own] // self._throttle_ms[index]
            last = np.concatenate((window[1:] != window[:-1], [True]))
            keep[own] = last & (window > self._last_window[index])
            self._last_window[index] = window[-1]
        return keep


class Publisher:
    """What each venue's forced-order feed shows: a share of them, and for some at most one per throttle window."""

    def __init__(self, venues: tuple[VenueParams, ...], draws: Draws) -> None:
        self._draws = draws
        self._share = np.array([venue.forced_share for venue in venues])
        self._bankruptcy = np.array([venue.forced_price == "bankruptcy" for venue in venues])
        self._throttle = Throttle(venues)

    def published(self, forced: Rows, start_ms: int, span_ms: int) -> Rows:
        """Rows of `forced` that get out, in order, each with its own time; `price` is what that feed calls the price.

        Within a step the forced orders are spread evenly in the order they happened."""
        if not len(forced):
            return forced
        venue = forced["venue"].astype(np.intp)
        happened_ms = start_ms + (np.arange(len(forced)) + 1) * span_ms // len(forced)
        reported = self._draws.uniform(len(forced)) < self._share[venue]
        # A window already served by an earlier, shorter step stays closed.
        chosen = np.flatnonzero(self._throttle.newest(venue, happened_ms - 1, reported))
        rows = forced[chosen]
        rows["time_ms"] = happened_ms[chosen]
        bankrupt = self._bankruptcy[rows["venue"].astype(np.intp)]
        rows["price"] = np.where(bankrupt, rows["bankruptcy_price"], rows["price"])
        return rows
