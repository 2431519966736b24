"""Where every venue's price stands in the price grid, step by step: the frame that prints and maps are placed in.

Positions are those of `liqbot.market.estimate.price_grid`: bins of 5 bp, fractional. A score bin is four of them.
"""

from collections.abc import Collection
from typing import Final

import numpy as np
import numpy.typing as npt

from liqbot.blocks import EventBlock, Rows
from liqbot.market.estimate.price_grid import edges
from liqbot.market.observed.prices import known_by_venue, path_known_ms

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]

FINE: Final = 4
"""Grid bins of 5 bp in a score bin of 20 bp."""
LONG, SHORT = 0, 1
OUTWARD: Final = np.array([-1.0, 1.0])
"""Direction in which prices liquidate a side: down for longs."""


def positions_of(prices: Floats) -> Floats:
    """Vectorised `grid.position_of`. Prices outside the table get its ends."""
    table = edges()
    index = np.clip(np.searchsorted(table, prices, side="right") - 1, 0, len(table) - 2)
    found: Floats = index + (prices - table[index]) / (table[index + 1] - table[index])
    return found


def prices_at(positions: Floats) -> Floats:
    """Inverse of `positions_of`; NaN stays NaN."""
    table = edges()
    known = np.nan_to_num(positions)
    index = np.clip(known.astype(np.int64), 0, len(table) - 2)
    found: Floats = table[index] + (known - index) * (table[index + 1] - table[index])
    found[np.isnan(positions)] = np.nan
    return found


def outward(usd: Floats, first: float, mark: float, side: int, bins: int) -> Floats:
    """USD per score bin from `mark` outward, from USD per grid bin beginning at position `first`."""
    below = np.concatenate(([0.0], np.cumsum(usd)))
    at = np.interp(mark + OUTWARD[side] * FINE * np.arange(bins + 1) - first, np.arange(len(below)), below)
    found: Floats = np.maximum(np.diff(at) * OUTWARD[side], 0.0)
    return found


class PricePath:
    """After `step`: per venue the mark before and after, the range between, and the bar's range; NaN when unknown."""

    def __init__(self, venues: int, coin: int, home: int, streaming: Collection[int] = ()) -> None:
        """`home` is the venue whose price is the scored path; `streaming` those whose marks come densely enough that
        their range, not the bars', decides what was crossed."""
        self._coin, self.home = coin, home
        self._streams = np.zeros(venues, bool)
        self._streams[list(streaming)] = True
        self.mark = np.full(venues, np.nan)
        self.before, self.low, self.high = self.mark, self.mark, self.mark
        self.bar_low, self.bar_high = self.mark, self.mark
        self.volume_usd = np.zeros(venues)
        self._bar_ms, self._mark_ms = np.zeros(venues, np.int64), np.zeros(venues, np.int64)
        self._bar_span_ms = np.zeros(venues, np.int64)

    @property
    def known(self) -> bool:
        """Whether the scored path has begun."""
        return bool(self.mark[self.home] == self.mark[self.home])

    def own(self, rows: Rows) -> Rows:
        """Those of the scored coin."""
        mine = rows["coin"] == self._coin
        found: Rows = rows if mine.all() else rows[mine]
        return found

    def step(self, block: EventBlock) -> None:
        before, count = self.mark, len(self.mark)
        self.mark, self.volume_usd = before.copy(), np.zeros(count)
        low, high = np.full(count, np.inf), np.full(count, -np.inf)
        bars, marks = self.own(block.bars), self.own(block.marks)
        if len(bars):
            venue = bars["venue"]
            np.minimum.at(low, venue, positions_of(bars["low"]))
            np.maximum.at(high, venue, positions_of(bars["high"]))
            np.add.at(self.volume_usd, venue, bars["volume_usd"])
            self.mark[venue] = positions_of(bars["close"])
            self.mark[self._streams] = before[self._streams]
            np.maximum.at(self._bar_ms, venue, bars["time_ms"])
            self._bar_span_ms[venue] = bars["span_ms"]
        self.bar_low, self.bar_high = np.where(low < np.inf, low, np.nan), np.where(low < np.inf, high, np.nan)
        if self._streams.any():
            low[self._streams], high[self._streams] = np.inf, -np.inf
        if len(marks):
            at, venue = positions_of(marks["mark_price"]), marks["venue"]
            self.mark[venue] = at
            streams = self._streams[venue]
            np.minimum.at(low, venue[streams], at[streams])
            np.maximum.at(high, venue[streams], at[streams])
            np.maximum.at(self._mark_ms, venue, marks["time_ms"])
        self.before = np.where(np.isnan(before), self.mark, before)
        self.low = np.fmin(np.where(np.isfinite(low), low, np.nan), self.mark)
        self.high = np.fmax(np.where(np.isfinite(high), high, np.nan), self.mark)

    def known_until(self, now_ms: int) -> tuple[list[int], int]:
        """Until when it is known what each venue's mark crossed, and what the home venue's did, as the fold has it."""
        columns = (np.isnan(self.mark), self._mark_ms, self._bar_ms, self._bar_span_ms, self._streams)
        own = [
            None if unknown else path_known_ms(now_ms, mark_ms=mark, bar_ms=bar, bar_span_ms=span, streaming=streams)
            for unknown, mark, bar, span, streams in zip(*(column.tolist() for column in columns), strict=True)
        ]
        return known_by_venue(own, self.home)

    def offset(self) -> Floats:
        """What to add to each venue's positions to move them to the home venue's price; 0 where unknown."""
        found: Floats = np.nan_to_num(self.mark[self.home] - self.mark)
        return found

    def bands(self) -> Floats:
        """[venue, side, (near, far)]: what the venue's mark newly crossed, in the home venue's positions.

        From the mark before to the extreme of the step; a venue without a price has the home venue's. Near equals far
        where the price moved the other way alone: prints then lie at the extreme.
        """
        moved = self.offset()[:, None, None]
        reach = np.stack([np.minimum(self.before, self.high), self.low], axis=1)
        rise = np.stack([np.maximum(self.before, self.low), self.high], axis=1)
        found = np.stack([reach, rise], axis=1) + moved
        unknown = np.isnan(found).any(axis=(1, 2))
        found[unknown] = found[self.home]
        return found
