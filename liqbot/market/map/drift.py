"""Drift: which clusters formed, grew, faded or were swept between two maps of a coin. Pure functions on maps."""

from typing import Final, Literal

import msgspec

from liqbot.instruments import Side
from liqbot.market.map.clusters import clusters_of
from liqbot.market.map.liquidation_map import LiquidationMap
from liqbot.market.params import ClusterParams

Change = Literal["formed", "grew", "faded", "dissolved", "swept"]

_FORMED_SHARE: Final = 0.25
"""A cluster whose stretch held less than this part before is new; one that holds less now is gone."""
_GREW_RATIO: Final = 1.5


class Drift(msgspec.Struct, frozen=True):
    """One stretch of price that held a cluster then or holds one now."""

    side: Side
    change: Change
    price_low: float
    price_high: float
    before_usd: float
    now_usd: float


def drift(before: LiquidationMap, now: LiquidationMap, params: ClusterParams) -> tuple[Drift, ...]:
    """Largest change first. Clusters that changed little are left out; prices are absolute, so a cluster stands still
    while the mark moves."""
    found: list[Drift] = []
    for side in (Side.SHORT, Side.LONG):
        present = clusters_of(now, side, params)
        past = clusters_of(before, side, params)
        for cluster in present:
            then_usd = before.between_usd(side, cluster.price_low, cluster.price_high)
            if cluster.usd > _GREW_RATIO * then_usd:
                change: Change = "formed" if then_usd < _FORMED_SHARE * cluster.usd else "grew"
                found.append(Drift(side, change, cluster.price_low, cluster.price_high, then_usd, cluster.usd))
        for cluster in past:
            left_usd = now.between_usd(side, cluster.price_low, cluster.price_high)
            if cluster.usd > _GREW_RATIO * left_usd:
                middle = (cluster.price_low + cluster.price_high) / 2.0
                passed = (now.mark_price - middle) * float(side) < 0
                gone: Change = "dissolved" if left_usd < _FORMED_SHARE * cluster.usd else "faded"
                change = "swept" if gone == "dissolved" and passed else gone
                found.append(Drift(side, change, cluster.price_low, cluster.price_high, cluster.usd, left_usd))
    return tuple(sorted(found, key=lambda one: (-abs(one.now_usd - one.before_usd), one.price_low)))
