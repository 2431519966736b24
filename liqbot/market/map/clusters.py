"""Clusters of a map: windows of one width in which more is open than around them. Pure functions on its arrays.

Everything is measured in bins of the price grid outward from the mark, so that a mirrored map has mirrored clusters. A
window's *excess* is its USD, the outer quarters counted by half so that it centres on what it holds, beyond
`contrast_ratio` times the same of the mean density around it. Excess moves with the map no faster than the map's own
USD, so no small change makes a cluster large or small; it ranks the windows and is what `ratio` compares. Windows are
chosen by excess, largest first, none overlapping another.
"""

import math
from collections.abc import Iterator, Sequence
from functools import cached_property, lru_cache
from typing import Final, NamedTuple, overload

import numpy as np
import numpy.typing as npt

from liqbot.instruments import Side
from liqbot.market.estimate import map_kernels
from liqbot.market.estimate.price_grid import BIN_BPS, price_at
from liqbot.market.estimate.running_sums import interpolated
from liqbot.market.map.liquidation_map import LiquidationMap
from liqbot.market.map.usual_sizes import Usual
from liqbot.market.map.zones import ABSENT, Cluster
from liqbot.market.params import ClusterParams

Floats = npt.NDArray[np.float64]
Whole = npt.NDArray[np.int64]
_BLURRED_PCT, _SHARP_SHARE = 5.0, 0.3
"""Against its surroundings a place is unsure by as much as the layer is at this distance from the mark, by this share
of it near the mark (what is wrong with the level is wrong around it too), and by ever more beyond: what was opened long
ago and with little leverage has been topped up and reduced, and a few large positions are most of what is left."""
BINS_PER_PCT: Final = 100.0 / BIN_BPS
_DUST_SHARE: Final = 0.01
"""What stands out less than this against the side's most outstanding window is no cluster."""


class _Shape(NamedTuple):
    """Of all windows, in bins; what follows from the parameters alone."""

    width: int
    """A multiple of four."""
    around: int
    reach: int
    """The farthest near edge."""
    bins: int
    """How far out anything is looked at."""
    low: Whole
    """[reach + 1]: where the surroundings of each window begin: at the mark for those next to it."""
    width_share: Floats
    """[reach + 1]: a window's width over that of its surroundings."""


@lru_cache(16)
def _shape(width_pct: float, around_pct: float, distance_pct_max: float) -> _Shape:
    width, around = 4 * max(1, round(width_pct * BINS_PER_PCT / 4)), round(around_pct * BINS_PER_PCT)
    reach = math.ceil(distance_pct_max * BINS_PER_PCT)
    near = np.arange(reach + 1)
    low, high = np.maximum(near - around, 0), near + width + around
    bins = reach + width + around
    return _Shape(width, around, reach, bins, low, width / (high - low - width))


def _shape_of(params: ClusterParams) -> _Shape:
    return _shape(params.width_pct, params.around_pct, params.distance_pct_max)


class Windows(NamedTuple):
    """Every window of a side, by the bins from the mark to its near edge."""

    open_usd: Floats
    """[bins + 1]: running sum outward from the mark."""
    usd: Floats
    around_usd: Floats
    """What as wide a window holds in the mean of both sides of it."""
    excess_usd: Floats
    """What `UsualSizes` remembers."""
    places: Whole
    """Where those begin that stand out most, none overlapping another."""


class Clusters(Sequence[Cluster]):
    """A side's clusters, the one that stands out most first. Each is made when it is requested, as few ever are.

    What they are made of never changes, so that it does not matter when, or in which thread, that happens.
    """

    def __init__(
        self, liq_map: LiquidationMap, side: Side, windows: Windows, width: int, places: list[int], usual: Usual | None
    ) -> None:
        """`places`: the bins from the mark to the near edge of each."""
        self._map, self._side, self._windows, self._width = liq_map, side, windows, width
        self._places, self._usual = places, usual
        self._made: list[Cluster | None] = [None] * len(places)
        self._within: dict[float, Cluster | None] = {}
        """By reach in percent."""

    @cached_property
    def spans(self) -> list[tuple[float, float]]:
        """Low and high edge of each."""
        mark, sign = self._map.mark_position, -float(self._side)
        ends = [(price_at(mark + sign * at), price_at(mark + sign * (at + self._width))) for at in self._places]
        return [(min(both), max(both)) for both in ends]

    @property
    def nearest_price(self) -> float:
        """Of the near edges, the one nearest to the mark; NaN without clusters."""
        if not self._places:
            return ABSENT
        return price_at(self._map.mark_position - float(self._side) * min(self._places))

    def first_within(self, reach_pct: float) -> Cluster | None:
        """The first whose near edge is within reach of the mark."""
        if reach_pct not in self._within:
            mark, mark_price, sign = self._map.mark_position, self._map.mark_price, -float(self._side)
            near_by = (
                self._cluster(index) for index, at in enumerate(self._places)
                if self._map.distances.pct(mark_price, price_at(mark + sign * at)) <= reach_pct
            )
            self._within[reach_pct] = next(near_by, None)
        return self._within[reach_pct]

    def __len__(self) -> int:
        return len(self._places)

    def __iter__(self) -> Iterator[Cluster]:
        return map(self._cluster, range(len(self._places)))

    @overload
    def __getitem__(self, index: int) -> Cluster: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[Cluster, ...]: ...
    def __getitem__(self, index: int | slice) -> Cluster | tuple[Cluster, ...]:
        if isinstance(index, slice):
            return tuple(self)[index]
        return self._cluster(index)

    def __repr__(self) -> str:
        return repr(tuple(self))

    def _cluster(self, index: int) -> Cluster:
        found = self._made[index]
        if found is None:
            found = self._made[index] = _cluster(
                self._map, self._side, self._windows, self._places[index], self._width, self._usual
            )
        return found


def near_edge_price(cluster: Cluster) -> float:
    """Of its edges, the one nearer to the mark."""
    return cluster.price_high if cluster.side is Side.LONG else cluster.price_low


def first_within(clusters: Sequence[Cluster], reach_pct: float) -> Cluster | None:
    """The first of a side's clusters whose near edge is within reach of the mark."""
    if isinstance(clusters, Clusters):
        return clusters.first_within(reach_pct)
    return next((cluster for cluster in clusters if cluster.distance_pct <= reach_pct), None)


def spans_of(clusters: Sequence[Cluster]) -> Sequence[tuple[float, float]]:
    """Low and high edge of each of a side's clusters."""
    if isinstance(clusters, Clusters):
        return clusters.spans
    return [(cluster.price_low, cluster.price_high) for cluster in clusters]


def nearest_price(clusters: Sequence[Cluster]) -> float:
    """Of the near edges of a side's clusters, the one nearest to the mark; NaN without clusters."""
    if isinstance(clusters, Clusters):
        return clusters.nearest_price
    prices = [near_edge_price(one) for one in clusters]
    if not prices:
        return ABSENT
    return max(prices) if clusters[0].side is Side.LONG else min(prices)


def clusters_of(
    liq_map: LiquidationMap, side: Side, params: ClusterParams, usual: Usual | None = None
) -> tuple[Cluster, ...]:
    """A side's clusters, the one that stands out most first; ratios are NaN without usual sizes."""
    return tuple(clusters_in(windows_of(liq_map, side, params), liq_map, side, params, usual))


def clusters_in(
    windows: Windows, liq_map: LiquidationMap, side: Side, params: ClusterParams, usual: Usual | None = None
) -> Clusters:
    """`clusters_of` a side whose windows are known, made as they are requested."""
    return Clusters(liq_map, side, windows, _shape_of(params).width, windows.places.tolist(), usual)


def excess_of(liq_map: LiquidationMap, side: Side, params: ClusterParams) -> Floats:
    """Excess of every window, by the bins from the mark to its near edge."""
    return windows_of(liq_map, side, params).excess_usd


def windows_of(liq_map: LiquidationMap, side: Side, params: ClusterParams) -> Windows:
    """Every window of a side, whether anything stands out in it or not."""
    shape = _shape_of(params)
    open_usd = liq_map.open_outward(side, shape.bins)
    return Windows(
        open_usd,
        *map_kernels.standing_out(
            open_usd, shape.reach, shape.width, shape.around, shape.low, shape.width_share,
            0.75 * params.contrast_ratio, params.kept, _DUST_SHARE,
        ),
    )


def _cluster(
    liq_map: LiquidationMap, side: Side, windows: Windows, at: int, width: int, usual: Usual | None
) -> Cluster:
    """Its peak is the price that half of its USD lies before."""
    sums, usd = windows.open_usd[at : at + width + 1].tolist(), windows.usd.item(at)
    mark, mark_price, sign = liq_map.mark_position, liq_map.mark_price, -float(side)
    middle = interpolated(sums[0] + usd / 2.0, sums, range(at, at + width + 1))
    near, peak, far = price_at(mark + sign * at), price_at(mark + sign * middle), price_at(mark + sign * (at + width))
    usual_usd = usual.at(side, at) if usual is not None else ABSENT
    away = middle / (_BLURRED_PCT * BINS_PER_PCT)
    sd_usd = liq_map.spread.sd_usd(usd) * (_SHARP_SHARE + (1.0 - _SHARP_SHARE) * away * away)
    return Cluster(
        side=side, price_low=min(near, far), price_high=max(near, far), peak_price=peak, usd=usd,
        distance_pct=liq_map.distances.pct(mark_price, near),
        peak_distance_pct=liq_map.distances.pct(mark_price, peak),
        ratio=windows.excess_usd.item(at) / usual_usd,
        real_share=_chance(usd - windows.around_usd.item(at), sd_usd),
    )


def _chance(beyond_usd: float, sd_usd: float) -> float:
    """That a quantity with this mean and standard deviation is above 0, by Student's distribution of two degrees of
    freedom: sizes are heavy-tailed, and it needs a root alone. NaN where nobody says how sure the map is."""
    if not sd_usd > 0:
        return ABSENT
    apart = beyond_usd / sd_usd
    return 0.5 + 0.5 * apart / math.sqrt(2.0 + apart * apart)
