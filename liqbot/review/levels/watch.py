"""`LevelWatch`: begins pairs of a cluster and a thin level as the map shows them, and follows what price does there."""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from liqbot.instruments import Side
from liqbot.market.estimate.price_grid import price_at
from liqbot.market.map.cluster_memory import beyond, followed
from liqbot.market.map.clusters import BINS_PER_PCT, near_edge_price, windows_of
from liqbot.market.map.liquidation_map import LiquidationMap
from liqbot.market.map.zones import Cluster
from liqbot.market.params import ClusterParams, MarketParams
from liqbot.market.view import MarketView
from liqbot.review.levels.level import ENDED, REACTION_RANGES, Level, LevelKind, PriceStep

LOOK_MS: Final = 300_000
"""So often the map is asked for new pairs."""
REACH_PCT: Final = 5.0
"""Clusters farther away than this are left out: strategies look no farther."""
DISTANCE_SHARE: Final = 0.2
"""A thin level lies as far away as its cluster, but for this share of the distance."""
_SIDES: Final = (Side.LONG, Side.SHORT)


class _Place(NamedTuple):
    """A window in which the map is thin."""

    side: Side
    distance_pct: float
    near_price: float
    far_price: float

    def shares_price(self, cluster: Cluster) -> bool:
        low_price, high_price = sorted((self.near_price, self.far_price))
        return low_price < cluster.price_high and cluster.price_low < high_price


class LevelWatch:
    """Of one coin. Begins no pair while the map is colder than risk would enter on (`warmth_pct_min`, both sides)."""

    def __init__(self, params: MarketParams, warmth_pct_min: float) -> None:
        self._params, self._warmth_pct_min = params, warmth_pct_min
        self.levels: list[Level] = []
        """All, in the order in which they began: a cluster, then its thin level."""
        self.without_control = 0
        """Clusters that no thin level lies as far away as: left out."""
        self._open: list[Level] = []
        self._left_out: list[Cluster] = []
        self._looked_ms: int | None = None
        self._pairs = 0

    def on_view(self, view: MarketView) -> None:
        step = step_of(view)
        for level in self._open:
            level.follow(step)
        self._open = [level for level in self._open if level.fate not in ENDED]
        due = self._looked_ms is None or view.time_ms - self._looked_ms >= LOOK_MS
        warm = not min(view.warmth_long_pct, view.warmth_short_pct) < self._warmth_pct_min
        if due and warm and view.range_pct > 0:
            self._looked_ms = view.time_ms
            self._begin(view, step)

    def _begin(self, view: MarketView, step: PriceStep) -> None:
        reaction_pct = view.range_pct * REACTION_RANGES
        shown = [one for side in _SIDES for one in self._of_weight(view, side)]
        self._left_out = [one for one in self._left_out if any(_overlap(one, other) for other in shown)]
        for cluster in shown:
            if not reaction_pct <= cluster.distance_pct <= REACH_PCT or self._known(cluster, step):
                continue
            place = self._control(view, cluster, shown, reaction_pct)
            if place is None:
                self._left_out.append(cluster)
                self.without_control += 1
                continue
            self._pairs += 1
            near = near_edge_price(cluster)
            far = cluster.price_low if cluster.side is Side.LONG else cluster.price_high
            self._add(view, LevelKind.CLUSTER, cluster.side, (near, far), reaction_pct)
            self._add(view, LevelKind.THIN, place.side, (place.near_price, place.far_price), reaction_pct)

    def _of_weight(self, view: MarketView, side: Side) -> Sequence[Cluster]:
        return followed((view.below if side is Side.LONG else view.above).clusters, self._params.sweeps)

    def _known(self, cluster: Cluster, step: PriceStep) -> bool:
        """Under way already, left out already, or with price in it."""
        extreme = step.low_price if cluster.side is Side.LONG else step.high_price
        return (
            beyond(cluster.side, extreme, near_edge_price(cluster))
            or any(one.kind is LevelKind.CLUSTER and one.side is cluster.side
                   and one.holds(cluster.price_low, cluster.price_high) for one in self._open)
            or any(_overlap(cluster, one) for one in self._left_out)
        )  # fmt: skip

    def _add(
        self, view: MarketView, kind: LevelKind, side: Side, ends: tuple[float, float], reaction_pct: float
    ) -> None:
        near, far = ends
        level = Level(
            view.coin, kind, side, self._pairs, view.time_ms, near, far,
            view.map.distances.pct(view.map.mark_price, near), view.map.between_usd(side, near, far), reaction_pct,
        )
        self.levels.append(level)
        self._open.append(level)

    def _control(
        self, view: MarketView, cluster: Cluster, shown: Sequence[Cluster], reaction_pct: float
    ) -> _Place | None:
        """The thin window of either side whose distance is nearest to the cluster's."""
        places = [
            place for side in (cluster.side.opposite, cluster.side)
            for place in _thin(view.map, side, self._params.clusters, cluster.distance_pct)
            if place.distance_pct >= reaction_pct
            and not any(one.side is side and place.shares_price(one) for one in shown)
        ]  # fmt: skip
        return min(places, key=lambda one: abs(one.distance_pct - cluster.distance_pct), default=None)


def step_of(view: MarketView) -> PriceStep:
    """The traded venue's range in prices of the map, which may be drawn at another mark."""
    ratio = view.map.mark_price / view.mark_price
    return PriceStep(
        view.time_ms, view.low_price * ratio, view.high_price * ratio, view.map.mark_price, view.map.distances
    )


def _thin(liq_map: LiquidationMap, side: Side, params: ClusterParams, distance_pct: float) -> Iterator[_Place]:
    """Windows about so far away that are the reverse of a cluster: as wide, and what is around holds `contrast_ratio`
    times as much."""
    windows, sign = windows_of(liq_map, side, params), -float(side)
    width = round(params.width_pct * BINS_PER_PCT)
    for at in (windows.usd * params.contrast_ratio <= windows.around_usd).nonzero()[0].tolist():
        near, far = (price_at(liq_map.mark_position + sign * bins) for bins in (at, at + width))
        away_pct = liq_map.distances.pct(liq_map.mark_price, near)
        if abs(away_pct - distance_pct) <= DISTANCE_SHARE * distance_pct:
            yield _Place(side, away_pct, near, far)


def _overlap(one: Cluster, other: Cluster) -> bool:
    return one.side is other.side and one.price_low < other.price_high and other.price_low < one.price_high
