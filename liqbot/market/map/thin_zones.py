"""Thin zones of a map, stretches where little would be force-closed: pure functions on its arrays."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from liqbot.instruments import Side
from liqbot.market.map.distances import Distances
from liqbot.market.map.liquidation_map import LiquidationMap, smoothed
from liqbot.market.map.zones import ThinZone
from liqbot.market.params import ClusterParams
from liqbot.price_change import change_pct

Floats = npt.NDArray[np.float64]


def typical_density(density: Floats) -> float:
    """Median of the bins that hold anything; 0 for an empty side."""
    filled = density[density > 0]
    if not len(filled):
        return 0.0
    middle = len(filled) // 2
    filled.partition(middle)
    return float(filled[middle])


def turns(mask: npt.NDArray[np.bool_]) -> list[int]:
    """Where stretches of True start and stop, in turn."""
    found: list[int] = ((mask[1:] != mask[:-1]).nonzero()[0] + 1).tolist()
    if mask[0]:
        found.insert(0, 0)
    if len(found) % 2:
        found.append(len(mask))
    return found


def thin_zones_of(liq_map: LiquidationMap, side: Side, params: ClusterParams) -> tuple[ThinZone, ...]:
    """A side's thin zones, by price."""
    bins, typical = _side_bins(liq_map, side, params)
    return _thin_zones(bins, typical, params) if typical > 0 else ()


class ThinZones:
    """A map's thin zones, nearest to the mark first: read when they are needed, as they seldom are, and then kept."""

    def __init__(self, liq_map: LiquidationMap, params: ClusterParams) -> None:
        self._map, self._params = liq_map, params
        self._found: tuple[ThinZone, ...] | None = None

    def __call__(self) -> tuple[ThinZone, ...]:
        if self._found is None:
            below, above = (thin_zones_of(self._map, side, self._params) for side in (Side.LONG, Side.SHORT))
            self._found = nearest_zones(below, above, self._map.mark_price, self._params.thin_kept)
        return self._found

    def __repr__(self) -> str:
        return repr(self())


def _side_bins(liq_map: LiquidationMap, side: Side, params: ClusterParams) -> "tuple[_SideBins, float]":
    """A side's bins, and their typical density: 0 for an empty side."""
    bins = liq_map.span(side, max(params.distance_pct_max, params.thin_distance_pct_max))
    usd, edges = liq_map.usd(side)[bins], liq_map.edges[bins.start : bins.stop + 1]
    density = smoothed(usd)
    found = _SideBins(liq_map.mark_price, liq_map.distances, side, edges, density, usd.cumsum())
    return found, typical_density(density)


class _SideBins(NamedTuple):
    """One side's bins from its mark out to the farthest distance of the parameters."""

    mark_price: float
    distances: Distances
    side: Side
    edges: Floats
    density: Floats
    sums: Floats
    """Running sum of USD: that of a stretch is a difference of two."""

    def stretches(self, found: list[int]) -> list[tuple[float, float, float]]:
        """Of starts and stops in turn: (USD, low price, high price) of each.

        The mark's own bin lies on both sides of the mark: a stretch there ends at the mark.
        """
        if not found:
            return []
        at = np.array(found)
        # Before the first bin there is nothing: index -1 of the sums is not used where a stretch starts at 0.
        sums, prices = self.sums[at - 1].tolist(), self.edges[at].tolist()
        if found[0] == 0:
            sums[0] = 0.0
        if self.side is Side.LONG:
            prices[-1] = min(prices[-1], self.mark_price)
        else:
            prices[0] = max(prices[0], self.mark_price)
        return [
            (max(0.0, sums[index + 1] - sums[index]), prices[index], prices[index + 1])
            for index in range(0, len(found), 2)
        ]


def _thin_zones(bins: _SideBins, typical: float, params: ClusterParams) -> tuple[ThinZone, ...]:
    below = bins.side is Side.LONG

    def moved_pct(price: float) -> float:
        return bins.distances.moved_pct(bins.mark_price, price)

    return tuple(
        ThinZone(low, high, usd)
        for usd, low, high in bins.stretches(turns(bins.density < params.thin_density_ratio_max * typical))
        if moved_pct(high) - moved_pct(low) >= params.thin_width_pct_min
        and abs(moved_pct(high if below else low)) <= params.thin_distance_pct_max
    )


def nearest_zones(
    below: tuple[ThinZone, ...], above: tuple[ThinZone, ...], mark_price: float, kept: int
) -> tuple[ThinZone, ...]:
    """Thin zones of both sides, nearest to the mark first."""
    zones = sorted(
        (*below, *above),
        key=lambda zone: abs(change_pct(mark_price, zone.price_low) + change_pct(mark_price, zone.price_high)),
    )
    return tuple(zones[:kept])
