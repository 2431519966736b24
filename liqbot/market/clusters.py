"""Clusters and thin zones of a map: pure functions on its arrays."""

from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from liqbot.instruments import Side
from liqbot.market.liquidation_map import LiquidationMap, smoothed
from liqbot.market.params import ClusterParams
from liqbot.market.view import Cluster, ThinZone

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


def runs(mask: npt.NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Start and stop of every stretch of True."""
    padded = np.zeros(len(mask) + 2, np.bool_)
    padded[1:-1] = mask
    turns = np.flatnonzero(padded[1:] != padded[:-1]).tolist()
    return list(zip(turns[::2], turns[1::2], strict=True))


def read_side(
    chart: LiquidationMap, side: Side, usual_usd: float, params: ClusterParams
) -> tuple[tuple[Cluster, ...], tuple[ThinZone, ...]]:
    """A side's clusters, largest first, and its thin zones, by price.

    `usual_usd` is what a cluster's ratio is taken against; NaN when it is not known yet.
    """
    bins = chart.span(side, max(params.distance_pct_max, params.thin_distance_pct_max))
    usd, edges = chart.usd(side)[bins], chart.edges[bins.start : bins.stop + 1]
    density = smoothed(usd)
    typical = typical_density(density)
    if typical <= 0:
        return (), ()
    side_bins = _SideBins(chart.mark_price, side, edges, density, usd.cumsum())
    return _clusters(side_bins, typical, usual_usd, params), _thin_zones(side_bins, typical, params)


class _SideBins(NamedTuple):
    """One side's bins from its mark out to the farthest distance asked for."""

    mark_price: float
    side: Side
    edges: Floats
    density: Floats
    sums: Floats
    """Running sum of USD: stretches are differences of it."""

    def usd(self, start: int, stop: int) -> float:
        before = self.sums.item(start - 1) if start else 0.0
        return max(0.0, self.sums.item(stop - 1) - before)

    def stretch(self, start: int, stop: int) -> tuple[float, float]:
        """Low and high price. The mark's own bin lies on both sides of the mark: a stretch there ends at the mark."""
        low, high = self.edges.item(start), self.edges.item(stop)
        return (low, min(high, self.mark_price)) if self.side is Side.LONG else (max(low, self.mark_price), high)


def _clusters(bins: _SideBins, typical: float, usual_usd: float, params: ClusterParams) -> tuple[Cluster, ...]:
    limit = np.full(len(bins.density), np.inf)
    for start, stop in runs(bins.density > params.density_ratio_min * typical):
        limit[start:stop] = params.core_share * bins.density[start:stop].max()
    found = [(bins.usd(start, stop), start, stop) for start, stop in runs(bins.density >= limit)]
    found.sort(key=lambda run: (-run[0], run[1]))
    reach = params.distance_pct_max / 100.0 * bins.mark_price
    clusters: list[Cluster] = []
    for usd, start, stop in found:
        low, high = bins.stretch(start, stop)
        near = bins.mark_price - high if bins.side is Side.LONG else low - bins.mark_price
        if len(clusters) == params.kept or usd < _DUST_SHARE * found[0][0] or not usd > 0:
            break
        if near <= reach:
            clusters.append(_cluster(bins, start, stop, low, high, usd, usual_usd))
    return tuple(clusters)


def _cluster(
    bins: _SideBins, start: int, stop: int, low: float, high: float, usd: float, usual_usd: float
) -> Cluster:
    peak = start + int(bins.density[start:stop].argmax())
    peak_price = min(max((bins.edges.item(peak) + bins.edges.item(peak + 1)) / 2.0, low), high)
    near_price = high if bins.side is Side.LONG else low
    scale = 100.0 / bins.mark_price
    return Cluster(
        bins.side, low, high, peak_price, usd, abs(bins.mark_price - near_price) * scale,
        abs(bins.mark_price - peak_price) * scale, usd / usual_usd,
    )


def _thin_zones(bins: _SideBins, typical: float, params: ClusterParams) -> tuple[ThinZone, ...]:
    width_min = params.thin_width_pct_min / 100.0 * bins.mark_price
    reach = params.thin_distance_pct_max / 100.0 * bins.mark_price
    zones = []
    for start, stop in runs(bins.density < params.thin_density_ratio_max * typical):
        low, high = bins.stretch(start, stop)
        near = bins.mark_price - high if bins.side is Side.LONG else low - bins.mark_price
        if high - low >= width_min and near <= reach:
            zones.append(ThinZone(low, high, bins.usd(start, stop)))
    return tuple(zones)


def nearest_zones(
    below: tuple[ThinZone, ...], above: tuple[ThinZone, ...], mark_price: float, kept: int
) -> tuple[ThinZone, ...]:
    """Thin zones of both sides, nearest to the mark first."""
    zones = sorted((*below, *above), key=lambda zone: abs(zone.price_low + zone.price_high - 2.0 * mark_price))
    return tuple(zones[:kept])
