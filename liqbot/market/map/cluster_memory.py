"""The clusters that price may go into next: those of the last step, and those of the last while that it has not reached
since.

A flush changes the map that it runs through: positions opened on the way lie close to the price, and what stood out far
away stands out no more by the time price is there. What matters is what was there before.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from liqbot.instruments import Side
from liqbot.market.map.clusters import near_edge_price, nearest_price
from liqbot.market.map.zones import ABSENT, Cluster
from liqbot.market.params import SweepParams

STEPS: Final = 6
"""How many of them are kept beside those of the last step."""


def beyond(side: Side, price: float, level: float) -> bool:
    """Whether price has gone to or past a level, away from the side's mark: down for longs. False when unknown."""
    return price <= level if side is Side.LONG else price >= level


def farther(side: Side, one_price: float, other_price: float) -> float:
    """Of two prices the one further away from the side's mark: the lower for longs."""
    return min(one_price, other_price) if side is Side.LONG else max(one_price, other_price)


def followed(clusters: Sequence[Cluster], params: SweepParams) -> list[Cluster]:
    """Those of a side, the one that stands out most first, that are not too small to matter."""
    least = params.size_ratio_min
    large_usd = clusters[0].usd * params.size_share_min if clusters else 0.0
    # Without a history of sizes (ratio NaN) only the comparison with the largest one counts.
    return [cluster for cluster in clusters if cluster.usd >= large_usd and not cluster.ratio < least]


class _Kept(msgspec.Struct):
    """The clusters of one time, and how far price has gone into them since."""

    time_ms: int
    clusters: Sequence[Cluster]
    next_price: float
    """The near edge that price has not reached yet; NaN: none."""
    reached_price: float = ABSENT


class ClusterMemory:
    """Of one side. `take` the clusters of a step, then ask what the next one has `entered`."""

    def __init__(self, side: Side, params: SweepParams) -> None:
        self._side, self._params = side, params
        self._step_ms = params.lookback_ms // STEPS
        self._now = _Kept(0, (), ABSENT)
        self._earlier: list[_Kept] = []
        """Oldest first."""
        self._earlier_price = ABSENT
        """The nearest of their next edges."""

    def take(self, time_ms: int, clusters: Sequence[Cluster]) -> None:
        """Those of a step, the one that stands out most first. They are looked at once price comes to them."""
        before, self._now = self._now, _Kept(time_ms, clusters, nearest_price(clusters))
        oldest_ms = time_ms - self._params.lookback_ms
        due = not self._earlier or before.time_ms - self._earlier[-1].time_ms >= self._step_ms
        if (before.clusters and due) or (self._earlier and self._earlier[0].time_ms < oldest_ms):
            kept = [one for one in self._earlier if one.time_ms >= oldest_ms]
            self._keep([*kept, before] if before.clusters and due else kept)

    def entered(self, extreme_price: float) -> list[Cluster]:
        """What price has gone into that it had not reached before, of any time."""
        found: list[Cluster] = []
        if beyond(self._side, extreme_price, self._earlier_price):
            for one in self._earlier:
                found += self._entered(one, extreme_price)
            self._keep(self._earlier)
        if beyond(self._side, extreme_price, self._now.next_price):
            found += self._entered(self._now, extreme_price)
        return found

    def _entered(self, kept: _Kept, extreme_price: float) -> list[Cluster]:
        if not beyond(self._side, extreme_price, kept.next_price):
            return []
        found, ahead = [], []
        for cluster in followed(kept.clusters, self._params):
            near_price = near_edge_price(cluster)
            if not beyond(self._side, extreme_price, near_price):
                ahead.append(near_price)
            elif not beyond(self._side, kept.reached_price, near_price):
                found.append(cluster)
        kept.reached_price, kept.next_price = extreme_price, self._nearest(ahead)
        return found

    def _keep(self, earlier: list[_Kept]) -> None:
        self._earlier = earlier
        self._earlier_price = self._nearest(one.next_price for one in earlier)

    def _nearest(self, prices: Iterable[float]) -> float:
        known = [price for price in prices if price == price]
        if not known:
            return ABSENT
        return max(known) if self._side is Side.LONG else min(known)

    def state(self) -> list[Any]:
        """Plain values; clusters are made for it."""
        return [msgspec.to_builtins(_plain(one)) for one in (*self._earlier, self._now)]

    def load_state(self, state: list[Any]) -> None:
        *earlier, self._now = [
            _Kept(**{**one, "clusters": tuple(Cluster(**{**row, "side": self._side}) for row in one["clusters"])})
            for one in state
        ]
        self._keep(earlier)


def _plain(kept: _Kept) -> _Kept:
    return msgspec.structs.replace(kept, clusters=tuple(kept.clusters))
