"""`LiquidationMap`: USD that would be force-closed at each price, by side of the position. An estimate, always."""

import functools
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from liqbot.instruments import Side
from liqbot.market.estimate import fold_kernels, map_kernels, price_grid
from liqbot.market.estimate.running_sums import sums_at
from liqbot.market.estimate.spread import Spread
from liqbot.market.estimate.step_kernels import grid_positions
from liqbot.market.map.distances import Distances

Floats = npt.NDArray[np.float64]

_RANKED_PCT = 40.0
"""Densities are ranked among the bins of a side this near to the mark: where 2x and more would be liquidated."""


class LiquidationMap(msgspec.Struct, frozen=True, eq=False, dict=True):
    """One coin's map, aggregated in distance from each venue's own mark and drawn at `mark_price`.

    `edges` are n + 1 ascending prices (5 bp apart); `long_usd[i]`, `short_usd[i]` lie in edges[i]..edges[i+1].
    """

    coin: str
    as_of_ms: int
    mark_price: float
    edges: Floats
    long_usd: Floats
    short_usd: Floats
    measured_usd: Floats | None = None
    """Of both sides, what venues reported position by position; it is part of the others. None where no venue does."""
    spread: Spread = Spread()
    distances: Distances = Distances()

    def copy(self) -> "LiquidationMap":
        """With arrays of its own."""
        measured_usd = None if self.measured_usd is None else self.measured_usd.copy()
        return msgspec.structs.replace(
            self, edges=self.edges.copy(), long_usd=self.long_usd.copy(), short_usd=self.short_usd.copy(),
            measured_usd=measured_usd,
        )

    def usd(self, side: Side) -> Floats:
        return self.long_usd if side is Side.LONG else self.short_usd

    def total_usd(self, side: Side) -> float:
        return float(self.usd(side).sum())

    @functools.cached_property
    def _first_edge(self) -> int | None:
        """Where in the table of the price grid its edges begin; None for a map that has edges of its own, as kept ones
        have."""
        table = price_grid.edges()
        first = int(table.searchsorted(self.edges[0]))
        same = self.edges.base is table and self.edges.strides == table.strides
        if not same and not np.array_equal(table[first : first + len(self.edges)], self.edges):
            return None
        return first

    @functools.cached_property
    def edge_positions(self) -> Floats:
        """Where the edges lie on the price grid; of those beyond its table, its ends."""
        if self._first_edge is not None:
            return self._first_edge + np.arange(len(self.edges), dtype=np.float64)
        table = price_grid.edges()
        return grid_positions(np.clip(self.edges, table[0], table[-2]), table)

    def usd_below(self, side: Side, positions: Floats) -> Floats:
        """USD of a side below each of these positions of the price grid, which ascend or descend; a bin that is cut
        counts in proportion."""
        if self._first_edge is not None:
            return sums_at(self.usd(side), positions - self._first_edge)
        below = np.concatenate(([0.0], self.usd(side).cumsum()))
        return np.asarray(np.interp(positions, self.edge_positions, below))

    def open_outward(self, side: Side, bins: int) -> Floats:
        """[bins + 1]: USD of a side from the mark to so many bins away from it."""
        sign, usd, mark = -float(side), self.usd(side), self.mark_position
        first = self._first_edge
        if first is not None and usd.flags.carray and bins <= mark - first < len(usd) - bins:
            return fold_kernels.open_outward(usd, mark, first, sign, bins)
        at = self.usd_below(side, mark + sign * np.arange(bins + 1.0))
        return np.asarray(fold_kernels.running_maximum((at - at[0]) * sign))

    @functools.cached_property
    def mark_position(self) -> float:
        """Where the mark lies on the price grid."""
        return price_grid.position_of(self.mark_price)

    def bin_of(self, price: float) -> int:
        """Index of the bin that holds a price; -1 or n when it lies outside the map."""
        index = int(self.edges.searchsorted(price, "right")) - 1
        return min(index, len(self.long_usd))

    def span(self, side: Side, within_pct: float) -> slice:
        """Bins of a side from the mark out to `within_pct`, the mark's own bin included."""
        mark = min(max(self.bin_of(self.mark_price), 0), len(self.long_usd) - 1)
        far = self.bin_of(self._away(side, within_pct))
        if side is Side.LONG:
            return slice(max(0, far), mark + 1)
        return slice(mark, min(len(self.short_usd), far + 1))

    def _away(self, side: Side, pct: float) -> float:
        """The price so far from the mark on a side."""
        return self.distances.price(self.mark_price, -float(side) * pct)

    def within_usd(self, side: Side, within_pct: float) -> float:
        """All USD of a side within a distance from the mark; bins that are cut count in proportion."""
        return self.between_usd(side, self.mark_price, self._away(side, within_pct))

    def between_usd(self, side: Side, one_price: float, other_price: float) -> float:
        """USD of a side between two prices; bins that are cut count in proportion."""
        low, high = price_grid.positions_of(sorted((one_price, other_price)))
        first, usd = self._first_edge, self.usd(side)
        if first is not None and usd.flags.carray and first <= low and high < first + len(usd):
            return map_kernels.usd_between(usd, low - first, high - first)
        low_usd, high_usd = self.usd_below(side, np.array((low, high))).tolist()
        return float(max(0.0, high_usd - low_usd))

    def density_percentile(self, side: Side, price: float) -> float:
        """How dense the map is at a price on a side: 0 (empty) to 100 (nowhere denser), ties by half.

        Ranked, lightly smoothed, among the bins of that side within 40 % of the mark. NaN when the side is empty or the
        price lies on the other side of the mark, where such a position would not exist.
        """
        density, ranked = self._ranking(side)
        if not len(ranked) or (price - self.mark_price) * float(side) > 0:
            return float("nan")
        index = int(self.edges.searchsorted(price, "right")) - 1
        here = density.item(index) if 0 <= index < len(density) else 0.0
        # An empty bin is as thin as can be, however many of them there are.
        return float(_below(ranked, here) * (50.0 / len(ranked))) if here > 0 else 0.0

    def density_percentiles(self, side: Side, prices: Floats) -> Floats:
        """`density_percentile` of many prices at once."""
        density, ranked = self._ranking(side)
        if not len(ranked):
            return np.full(len(prices), np.nan)
        index = np.searchsorted(self.edges, prices, side="right") - 1
        inside = (index >= 0) & (index < len(density))
        here = np.where(inside, density[np.clip(index, 0, len(density) - 1)], 0.0)
        wrong_side = (prices - self.mark_price) * float(side) > 0
        return np.where(wrong_side, np.nan, np.where(here > 0, _below(ranked, here) * (50.0 / len(ranked)), 0.0))

    @functools.cached_property
    def _rankings(self) -> dict[Side, tuple[Floats, Floats]]:
        """Of the sides that were asked about."""
        return {}

    def _ranking(self, side: Side) -> tuple[Floats, Floats]:
        """Density by bin, and those it is ranked among in ascending order; none of an empty side."""
        found = self._rankings.get(side)
        if found is None:
            density = smoothed(self.usd(side))
            ranked = np.sort(density[self.span(side, _RANKED_PCT)])
            found = self._rankings[side] = density, ranked if len(ranked) and ranked[-1] > 0 else ranked[:0]
        return found


def _below(ranked: Floats, here: Any) -> Any:
    """How many lie below a density, and again how many do or equal it; of many densities at once too."""
    return ranked.searchsorted(here, "left") + ranked.searchsorted(here, "right")


def smoothed(usd: Floats) -> Floats:
    """Weighted mean over five bins (1 2 3 2 1), ends empty: sums are kept, single bins no longer stand alone."""
    padded = np.zeros(len(usd) + 4)
    padded[2:-2] = usd
    triple = padded[:-2] + padded[1:-1]
    triple += padded[2:]
    result: Floats = triple[:-2] + triple[1:-1]
    result += triple[2:]
    result /= 9.0
    return result
