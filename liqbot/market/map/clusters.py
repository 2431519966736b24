"""Clusters and thin zones of a map: pure functions on its arrays."""

import math
import operator
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from liqbot.instruments import Side
from liqbot.market.map.liquidation_map import LiquidationMap, smoothed
from liqbot.market.map.zones import Cluster, ThinZone
from liqbot.market.params import ClusterParams

Floats = npt.NDArray[np.float64]

_DUST_SHARE: Final = 0.01
"""What is smaller than this against the largest cluster of its side is no cluster, however dense for its place."""


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


def read_side(
    liq_map: LiquidationMap, side: Side, median_usd: float, params: ClusterParams
) -> tuple[tuple[Cluster, ...], tuple[ThinZone, ...]]:
    """A side's clusters, largest first, and its thin zones, by price.

    `median_usd` is what a cluster's ratio is taken against; NaN when there is none yet.
    """
    bins, typical = _side_bins(liq_map, side, params)
    if typical <= 0:
        return (), ()
    return _clusters(bins, typical, median_usd, params), _thin_zones(bins, typical, params)


def clusters_of(liq_map: LiquidationMap, side: Side, median_usd: float, params: ClusterParams) -> tuple[Cluster, ...]:
    """The first half of `read_side`."""
    bins, typical = _side_bins(liq_map, side, params)
    return _clusters(bins, typical, median_usd, params) if typical > 0 else ()


class ThinZones:
    """A map's thin zones, nearest to the mark first: read when they are needed, as they seldom are, and then kept."""

    def __init__(self, liq_map: LiquidationMap, params: ClusterParams) -> None:
        self._map, self._params = liq_map, params
        self._found: tuple[ThinZone, ...] | None = None

    def __call__(self) -> tuple[ThinZone, ...]:
        if self._found is None:
            self._found = nearest_zones(
                self._of(Side.LONG), self._of(Side.SHORT), self._map.mark_price, self._params.thin_kept
            )
        return self._found

    def __repr__(self) -> str:
        return repr(self())

    def _of(self, side: Side) -> tuple[ThinZone, ...]:
        bins, typical = _side_bins(self._map, side, self._params)
        return _thin_zones(bins, typical, self._params) if typical > 0 else ()


def _side_bins(liq_map: LiquidationMap, side: Side, params: ClusterParams) -> "tuple[_SideBins, float]":
    """A side's bins, and their typical density: 0 for an empty side."""
    bins = liq_map.span(side, max(params.distance_pct_max, params.thin_distance_pct_max))
    usd, edges = liq_map.usd(side)[bins], liq_map.edges[bins.start : bins.stop + 1]
    density = smoothed(usd)
    return _SideBins(liq_map.mark_price, side, edges, density, usd.cumsum()), typical_density(density)


class _SideBins(NamedTuple):
    """One side's bins from its mark out to the farthest distance of the parameters."""

    mark_price: float
    side: Side
    edges: Floats
    density: Floats
    sums: Floats
    """Running sum of USD: that of a stretch is a difference of two."""

    def stretches(self, found: list[int]) -> list[tuple[float, float, float, int, int]]:
        """Of starts and stops in turn: (USD, low price, high price, start, stop) of each.

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
            (max(0.0, sums[index + 1] - sums[index]), prices[index], prices[index + 1], found[index], found[index + 1])
            for index in range(0, len(found), 2)
        ]


def _clusters(bins: _SideBins, typical: float, median_usd: float, params: ClusterParams) -> tuple[Cluster, ...]:
    density = bins.density
    dense = turns(density > params.density_ratio_min * typical)
    if not dense:
        return ()
    # A core is what is dense against the densest bin of its own stretch; elsewhere nothing reaches the limit.
    bounds = [0, *dense, len(density)]
    peaks = np.maximum.reduceat(density, dense if dense[-1] < len(density) else dense[:-1])[::2].tolist()
    limits = [math.inf] * (len(bounds) - 1)
    limits[1::2] = [params.core_share * peak for peak in peaks]
    limit = np.array(limits).repeat(list(map(operator.sub, bounds[1:], bounds)))
    found = bins.stretches(turns(density >= limit))
    found.sort(key=lambda run: (-run[0], run[3]))
    dust_usd = _DUST_SHARE * found[0][0]
    farthest, below = params.distance_pct_max / 100.0 * bins.mark_price, bins.side is Side.LONG
    clusters: list[Cluster] = []
    for usd, low, high, start, stop in found:
        if len(clusters) == params.kept or usd < dust_usd or not usd > 0:
            break
        if (bins.mark_price - high if below else low - bins.mark_price) <= farthest:
            clusters.append(_cluster(bins, start, stop, low, high, usd, median_usd))
    return tuple(clusters)


def _cluster(
    bins: _SideBins, start: int, stop: int, low: float, high: float, usd: float, median_usd: float
) -> Cluster:
    peak = start + int(bins.density[start:stop].argmax())
    peak_price = min(max((bins.edges.item(peak) + bins.edges.item(peak + 1)) / 2.0, low), high)
    near_price = high if bins.side is Side.LONG else low
    scale = 100.0 / bins.mark_price
    return Cluster(
        bins.side, low, high, peak_price, usd, abs(bins.mark_price - near_price) * scale,
        abs(bins.mark_price - peak_price) * scale, usd / median_usd,
    )


def _thin_zones(bins: _SideBins, typical: float, params: ClusterParams) -> tuple[ThinZone, ...]:
    width_min = params.thin_width_pct_min / 100.0 * bins.mark_price
    farthest, below = params.thin_distance_pct_max / 100.0 * bins.mark_price, bins.side is Side.LONG
    return tuple(
        ThinZone(low, high, usd)
        for usd, low, high, _, _ in bins.stretches(turns(bins.density < params.thin_density_ratio_max * typical))
        if high - low >= width_min and (bins.mark_price - high if below else low - bins.mark_price) <= farthest
    )


def nearest_zones(
    below: tuple[ThinZone, ...], above: tuple[ThinZone, ...], mark_price: float, kept: int
) -> tuple[ThinZone, ...]:
    """Thin zones of both sides, nearest to the mark first."""
    zones = sorted((*below, *above), key=lambda zone: abs(zone.price_low + zone.price_high - 2.0 * mark_price))
    return tuple(zones[:kept])
