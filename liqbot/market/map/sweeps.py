"""Sweeps: flushes into clusters, followed from the first touch until price is rejected or accepted beyond; strategies
only read."""

from collections.abc import Callable, Sequence
from typing import Any, Final

import msgspec

from liqbot.instruments import Side
from liqbot.market.map.approach import Approach
from liqbot.market.map.cluster_memory import ClusterMemory, beyond, farther
from liqbot.market.map.clusters import near_edge_price
from liqbot.market.map.distances import Distances
from liqbot.market.map.liquidation_map import LiquidationMap
from liqbot.market.map.zones import Cluster, Sweep
from liqbot.market.observed.waiting_prints import Print
from liqbot.market.params import SweepParams
from liqbot.price_change import change_pct

ABSENT = float("nan")
_LINEAR: Final = Distances()
_HEAVY_SHARE: Final = 0.5
"""Of the heaviest cluster that a flush went into: the farthest one of at least that, with what adjoins it, is the one
that rejects."""
_OI_LATE_MS: Final = 300_000
"""Open interest that is reported this long after a flush has seen all of it: venues tell theirs every few minutes."""


class SweepStep(msgspec.Struct, frozen=True):
    """What a step brings, in prices of the reference the map is drawn at."""

    began_ms: int
    """Until then the path was reported before."""
    time_ms: int
    low_price: float
    high_price: float
    mark_price: float
    price_before: float
    """One lookback earlier; NaN when unknown."""
    range_pct: float
    """Of a usual hour; NaN when unknown."""
    volume_ratio: float
    volume_usd: float
    split_usd: float
    """The part of the volume whose takers are known."""
    imbalance_usd: float
    """Buys minus sells; NaN without a taker split."""
    oi_ratio: float
    """Of all contracts, now and before the step, see `OpenInterestFold`; NaN when unknown."""
    oi_ratio_before: float
    highest_oi_ratio: Callable[[int], float]
    """Since an earlier time; NaN when unknown."""
    oi_ms: int
    """When open interest was last reported."""
    printed: Sequence[Print]
    reported: bool
    """Whether any venue reports forced orders as they happen, or at least hourly."""
    map_at: Callable[[int], LiquidationMap | None]
    """The map as it was at a time; None where nothing is remembered of it."""


class _Track(msgspec.Struct):
    side: Side
    began_ms: int
    """Prints and volume from here on belong to it: the begin of the span that first touched."""
    started_ms: int
    ended_ms: int
    entered_ms: int
    """When it went into its newest cluster."""
    inside_ms: int
    """When it went into the cluster that rejects."""
    near_price: float
    """Of the farthest heavy cluster it went into: price back over it rejects."""
    zone_far_price: float
    """Of that cluster and of those that adjoin it: windows of one width cut what is wide in pieces."""
    heaviest_usd: float
    price_low: float
    price_high: float
    usd: float
    width_pct: float
    """Of all its clusters."""
    ratio: float
    price_before: float
    """One lookback before the first touch."""
    extreme_price: float
    approach_ms: int
    approach_price: float
    oi_ratio: float
    """The highest since the approach began, or a lookback before the first touch: who is forced out on the way is out
    too."""
    oi_ratio_now: float
    """NaN until open interest has been reported since the sweep began."""
    volume_ratio: float
    oi_ms: int = 0
    active: bool = True
    rejected: bool = False
    printed_usd: float = 0.0
    printed_after_usd: float = 0.0
    reported: bool = False
    volume_usd: float = 0.0
    flow: tuple[float, float] = (0.0, 0.0)
    """Buys minus sells, and volume with a taker split: while it lasts, and since the extreme."""
    flow_after: tuple[float, float] = (0.0, 0.0)
    fuel_usd: float = ABSENT
    fuel_spent_usd: float = ABSENT
    beyond_usd_pct: float = ABSENT
    """USD per cent of the price, next beyond the extreme and what was swept."""


class SweepsFold:
    """What price goes into now was there before: see `ClusterMemory`."""

    def __init__(self, params: SweepParams, fuel_distance_pct: float, distances: Distances = _LINEAR) -> None:
        """Fuel counts out to `fuel_distance_pct` from the price before the approach."""
        self._params, self._fuel_distance_pct, self._distances = params, fuel_distance_pct, distances
        self._tracks: dict[Side, list[_Track]] = {Side.LONG: [], Side.SHORT: []}
        self._memories = {side: ClusterMemory(side, params) for side in (Side.LONG, Side.SHORT)}
        self._approaches = {side: Approach(side) for side in (Side.LONG, Side.SHORT)}

    def take_clusters(self, side: Side, time_ms: int, clusters: Sequence[Cluster]) -> None:
        """Clusters of a step (the one that stands out most first), which price may go into next."""
        self._memories[side].take(time_ms, clusters)

    def on_step(self, step: SweepStep) -> None:
        for side in (Side.LONG, Side.SHORT):
            tracks = self._tracks[side]
            extreme_price = step.low_price if side is Side.LONG else step.high_price
            entered = self._memories[side].entered(extreme_price)
            if entered:
                outward = sorted(entered, key=lambda one: -float(one.side) * near_edge_price(one))
                self._enter(side, outward, extreme_price, step)
            for track in tracks:
                self._follow(track, extreme_price, step)
            oldest_ms = step.time_ms - self._params.kept_ms
            while tracks and (len(tracks) > self._params.kept or tracks[0].ended_ms < oldest_ms):
                tracks.pop(0)
            self._approaches[side].take(step.time_ms, step.mark_price, step.range_pct)

    def _enter(self, side: Side, entered: list[Cluster], extreme_price: float, step: SweepStep) -> None:
        """Clusters entered, from the mark outward, begin a sweep; the one under way grows by those beyond what it has
        swept."""
        tracks = self._tracks[side]
        if not (tracks and tracks[-1].active):
            tracks.append(self._begun(side, entered[0], extreme_price, step))
        track = tracks[-1]
        for cluster in entered:
            # What lies, or has been added since, inside the swept stretch is no further cluster.
            if beyond(side, near_edge_price(cluster), _far_price(track)):
                _grow(track, cluster, step.time_ms)

    def _begun(self, side: Side, first: Cluster, extreme_price: float, step: SweepStep) -> _Track:
        approach, near_price = self._approaches[side], near_edge_price(first)
        since_ms = max(approach.began_ms, step.began_ms - self._params.lookback_ms)
        oi_ratio = step.highest_oi_ratio(since_ms) if approach.began_ms else ABSENT
        return _Track(
            side=side, began_ms=step.began_ms, started_ms=step.time_ms, ended_ms=step.time_ms,
            entered_ms=step.time_ms, inside_ms=step.time_ms, near_price=near_price,
            zone_far_price=_far_edge_price(first), heaviest_usd=first.usd, price_low=first.price_low,
            price_high=first.price_high, usd=first.usd, width_pct=_width_pct(first), ratio=first.ratio,
            price_before=step.price_before, extreme_price=extreme_price,
            approach_ms=approach.began_ms, approach_price=approach.began_price,
            oi_ratio=max(step.oi_ratio_before, oi_ratio), oi_ratio_now=ABSENT, volume_ratio=step.volume_ratio,
        )

    def _follow(self, track: _Track, extreme_price: float, step: SweepStep) -> None:
        if step.oi_ms > track.began_ms and track.oi_ms < track.ended_ms + _OI_LATE_MS:
            track.oi_ratio_now, track.oi_ms = step.oi_ratio, step.oi_ms
        if track.oi_ratio != track.oi_ratio:
            track.oi_ratio = step.oi_ratio
        self._count_prints(track, step)
        further = track.active and beyond(track.side, extreme_price, track.extreme_price)
        if further:
            # A new extreme: the flow after it starts anew. Nobody knows the order within the step: it counts as before.
            track.extreme_price, track.flow_after = extreme_price, (0.0, 0.0)
            self._measure_fuel(track, step)
        elif step.split_usd > 0:
            track.flow_after = track.flow_after[0] + step.imbalance_usd, track.flow_after[1] + step.split_usd
        if track.active:
            self._last(track, step)

    def _last(self, track: _Track, step: SweepStep) -> None:
        """One step more of a flush, maybe its last."""
        track.volume_usd += step.volume_usd
        if step.split_usd > 0:
            track.flow = track.flow[0] + step.imbalance_usd, track.flow[1] + step.split_usd
        if step.volume_ratio > track.volume_ratio or track.volume_ratio != track.volume_ratio:
            track.volume_ratio = step.volume_ratio
        track.ended_ms = step.time_ms
        track.rejected = (step.mark_price - track.near_price) * float(track.side) > 0
        over = step.time_ms - track.entered_ms >= self._params.active_ms_max
        track.active = not track.rejected and not over

    def _measure_fuel(self, track: _Track, step: SweepStep) -> None:
        """By the map from before the approach: all out to the distance of fuel, the part that price has reached, and
        what lies next beyond."""
        before = step.map_at(track.approach_ms)
        if before is not None:
            farthest = self._distances.price(track.approach_price, -float(track.side) * self._fuel_distance_pct)
            track.fuel_usd = before.between_usd(track.side, track.approach_price, farthest)
            track.fuel_spent_usd = before.between_usd(track.side, track.approach_price, track.extreme_price)
            far_price = farther(track.side, track.extreme_price, _far_price(track))
            end_price = self._distances.price(far_price, -float(track.side) * self._params.beyond_pct)
            track.beyond_usd_pct = before.between_usd(track.side, far_price, end_price) / self._params.beyond_pct

    def _count_prints(self, track: _Track, step: SweepStep) -> None:
        track.reported = track.reported or step.reported
        for end_ms, span_ms, _, long_usd, short_usd in step.printed:
            usd = long_usd if track.side is Side.LONG else short_usd
            if not span_ms and not usd > 0:
                continue
            start_ms, until_ms = end_ms - span_ms, step.time_ms if track.active else track.ended_ms
            if span_ms == 0:
                during, after = float(track.began_ms < end_ms <= until_ms), float(end_ms > until_ms)
            else:
                during = max(0, min(end_ms, until_ms) - max(start_ms, track.began_ms)) / span_ms
                after = max(0, end_ms - max(start_ms, until_ms)) / span_ms
            # Totals over hours arrive late: until then nothing is known, which is not nothing printed.
            track.reported = track.reported or during > 0
            track.printed_usd += during * usd
            track.printed_after_usd += after * usd

    def latest(self, side: Side) -> Sweep | None:
        tracks = self._tracks[side]
        return _sweep(tracks[-1], self._distances) if tracks else None

    def kept(self, side: Side) -> tuple[Sweep, ...]:
        """Oldest first."""
        return tuple(_sweep(track, self._distances) for track in self._tracks[side])

    def state(self) -> list[Any]:
        return [
            [[msgspec.to_builtins(track) for track in self._tracks[side]] for side in (Side.LONG, Side.SHORT)],
            [self._memories[side].state() for side in (Side.LONG, Side.SHORT)],
            [msgspec.to_builtins(self._approaches[side]) for side in (Side.LONG, Side.SHORT)],
        ]

    def load_state(self, state: list[Any]) -> None:
        for index, side in enumerate((Side.LONG, Side.SHORT)):
            flows = [{name: tuple(track[name]) for name in ("flow", "flow_after")} for track in state[0][index]]
            self._tracks[side] = [
                _Track(**{**track, "side": side, **both}) for track, both in zip(state[0][index], flows, strict=True)
            ]
            self._memories[side].load_state(state[1][index])
            self._approaches[side] = Approach(**{**state[2][index], "side": side})


def _far_price(track: _Track) -> float:
    return track.price_low if track.side is Side.LONG else track.price_high


def _grow(track: _Track, cluster: Cluster, time_ms: int) -> None:
    track.entered_ms = time_ms
    track.price_low = min(track.price_low, cluster.price_low)
    track.price_high = max(track.price_high, cluster.price_high)
    track.usd += cluster.usd
    track.width_pct += _width_pct(cluster)
    track.ratio += cluster.ratio
    track.heaviest_usd = max(track.heaviest_usd, cluster.usd)
    near_price, far_price = near_edge_price(cluster), _far_edge_price(cluster)
    if abs(near_price - track.zone_far_price) <= cluster.price_high - cluster.price_low:
        track.zone_far_price = far_price
    elif cluster.usd >= _HEAVY_SHARE * track.heaviest_usd and beyond(track.side, near_price, track.near_price):
        track.near_price, track.zone_far_price, track.inside_ms = near_price, far_price, time_ms


def _width_pct(cluster: Cluster) -> float:
    return change_pct(cluster.price_low, cluster.price_high)


def _far_edge_price(cluster: Cluster) -> float:
    return cluster.price_low if cluster.side is Side.LONG else cluster.price_high


def _sweep(track: _Track, distances: Distances) -> Sweep:
    oi_change_pct = (track.oi_ratio_now / track.oi_ratio - 1.0) * 100.0 if track.oi_ratio > 0 else ABSENT
    return Sweep(
        side=track.side,
        began_ms=track.began_ms,
        started_ms=track.started_ms,
        inside_ms=track.inside_ms,
        ended_ms=track.ended_ms,
        rejected=track.rejected,
        cluster_usd=track.usd,
        cluster_ratio=track.ratio,
        distance_pct=-float(track.side) * distances.moved_pct(track.price_before, track.near_price),
        price_low=track.price_low,
        price_high=track.price_high,
        extreme_price=track.extreme_price,
        depth_pct=-float(track.side) * distances.moved_pct(track.near_price, track.extreme_price),
        approach_ms=track.approach_ms,
        approach_price=track.approach_price,
        fuel_usd=track.fuel_usd,
        fuel_spent_usd=track.fuel_spent_usd,
        beyond_ratio=track.beyond_usd_pct * track.width_pct / track.usd if track.usd > 0 else ABSENT,
        printed_usd=track.printed_usd if track.reported else ABSENT,
        volume_usd=track.volume_usd,
        volume_ratio=track.volume_ratio,
        oi_change_pct=oi_change_pct,
        taker_imbalance=_share(track.flow),
        taker_imbalance_after=_share(track.flow_after),
        printed_after_usd=track.printed_after_usd if track.reported else ABSENT,
    )


def _share(flow: tuple[float, float]) -> float:
    taken_usd, split_usd = flow
    return taken_usd / split_usd if split_usd > 0 else ABSENT
