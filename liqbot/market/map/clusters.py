"""Clusters of a map: windows of one width in which more is open than around them. Pure functions on its arrays.

Everything is measured in bins of the price grid outward from the mark, so that a mirrored map has mirrored clusters. A
window's *excess* is its USD, the outer quarters counted by half so that it centres on what it holds, beyond
`contrast_ratio` times the same of the mean density around it. Excess moves with the map no faster than the map's own
USD, so no small change makes a cluster large or small; it ranks the windows and is what `ratio` compares. Windows are
chosen by excess, largest first, none overlapping another.
"""

import math
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from liqbot.instruments import Side
from liqbot.market.estimate.price_grid import BIN_BPS, price_at
from liqbot.market.map.liquidation_map import LiquidationMap
from liqbot.market.map.usual_sizes import UsualSizes
from liqbot.market.map.zones import ABSENT, Cluster
from liqbot.market.params import ClusterParams

Floats = npt.NDArray[np.float64]
_BLURRED_PCT, _SHARP_SHARE = 5.0, 0.3
"""Against its surroundings a place is unsure by as much as the layer is at this distance from the mark, by this share
of it near the mark (what is wrong with the level is wrong around it too), and by ever more beyond: what was opened long
ago and with little leverage has been topped up and reduced, and a few large positions are most of what is left."""
BINS_PER_PCT: Final = 100.0 / BIN_BPS
_DUST_SHARE: Final = 0.01
"""What stands out less than this against the side's most outstanding window is no cluster."""


class _Windows(NamedTuple):
    """Every window of a side, by the bins from the mark to its near edge."""

    open_usd: Floats
    """[bins + 1]: running sum outward from the mark."""
    usd: Floats
    around_usd: Floats
    """What as wide a window holds in the mean of both sides of it."""
    excess_usd: Floats


def clusters_of(
    liq_map: LiquidationMap, side: Side, params: ClusterParams, usual: UsualSizes | None = None
) -> tuple[Cluster, ...]:
    """A side's clusters, the one that stands out most first; ratios are NaN without usual sizes."""
    windows, width = _windows(liq_map, side, params), _width_bins(params)
    left = windows.excess_usd.copy()
    found: list[Cluster] = []
    least_usd = _DUST_SHARE * float(left.max(initial=0.0))
    while len(found) < params.kept and len(left):
        at = int(left.argmax())
        if not left[at] > least_usd:
            break
        found.append(_cluster(liq_map, side, windows, at, width, usual))
        left[max(0, at - width + 1) : at + width] = 0.0
    return tuple(found)


def excess_of(liq_map: LiquidationMap, side: Side, params: ClusterParams) -> Floats:
    """Excess of every window, by the bins from the mark to its near edge: what `UsualSizes` remembers."""
    return _windows(liq_map, side, params).excess_usd


def _width_bins(params: ClusterParams) -> int:
    """A multiple of four."""
    return 4 * max(1, round(params.width_pct * BINS_PER_PCT / 4))


def _windows(liq_map: LiquidationMap, side: Side, params: ClusterParams) -> _Windows:
    width, around = _width_bins(params), round(params.around_pct * BINS_PER_PCT)
    reach = math.ceil(params.distance_pct_max * BINS_PER_PCT)
    open_usd = _outward(liq_map, side, reach + width + around)
    usd = _stretches(open_usd, reach, 0, width)
    middle_usd = _stretches(open_usd, reach, width // 4, 3 * width // 4)
    near = np.arange(reach + 1)
    low, high = np.maximum(near - around, 0), near + width + around
    around_usd = (open_usd[high] - open_usd[low] - usd) * (width / (high - low - width))
    excess_usd = (usd + middle_usd) / 2.0 - 0.75 * params.contrast_ratio * around_usd
    return _Windows(open_usd, usd, around_usd, np.maximum(excess_usd, 0.0))


def _stretches(open_usd: Floats, reach: int, begin: int, end: int) -> Floats:
    """[reach + 1]: USD from `begin` to `end` bins beyond each of the bins out to `reach`."""
    return open_usd[end : end + reach + 1] - open_usd[begin : begin + reach + 1]


def _outward(liq_map: LiquidationMap, side: Side, bins: int) -> Floats:
    """[bins + 1] of USD open from the mark to so many bins outward; a bin that is cut counts in proportion."""
    sign, below = -float(side), np.concatenate(([0.0], liq_map.usd(side).cumsum()))
    at = np.interp(liq_map.mark_position + sign * np.arange(bins + 1), liq_map.edge_positions, below)
    return np.asarray(np.maximum.accumulate((at - at[0]) * sign))


def _cluster(
    liq_map: LiquidationMap, side: Side, windows: _Windows, at: int, width: int, usual: UsualSizes | None
) -> Cluster:
    """Its peak is the price that half of its USD lies before."""
    sums, usd = windows.open_usd[at : at + width + 1], windows.usd.item(at)
    mark, mark_price, sign = liq_map.mark_position, liq_map.mark_price, -float(side)
    middle = float(np.interp(sums[0] + usd / 2.0, sums, np.arange(at, at + width + 1)))
    near, peak, far = (price_at(mark + sign * away) for away in (at, middle, at + width))
    usual_usd = usual.at(at) if usual is not None else ABSENT
    away = middle / (_BLURRED_PCT * BINS_PER_PCT)
    sd_usd = liq_map.spread.sd_usd(usd) * (_SHARP_SHARE + (1.0 - _SHARP_SHARE) * away * away)
    return Cluster(
        side=side, price_low=min(near, far), price_high=max(near, far), peak_price=peak, usd=usd,
        distance_pct=abs(near / mark_price - 1.0) * 100.0, peak_distance_pct=abs(peak / mark_price - 1.0) * 100.0,
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
