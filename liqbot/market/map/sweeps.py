"""Sweeps: clusters that price went into, followed while it is inside and for a while after; strategies only read."""

from collections.abc import Sequence
from typing import Any

import msgspec

from liqbot.instruments import Side
from liqbot.market.map.zones import Cluster, Sweep
from liqbot.market.observed.waiting_prints import Print
from liqbot.market.params import SweepParams

ABSENT = float("nan")


class SweepStep(msgspec.Struct, frozen=True):
    """What a step brings, in prices of the reference the map is drawn at."""

    began_ms: int
    """End of the step before."""
    time_ms: int
    low_price: float
    high_price: float
    mark_price: float
    price_before: float
    """One lookback earlier; NaN when unknown."""
    volume_ratio: float
    volume_usd: float
    imbalance_usd: float
    """Buys minus sells; NaN without a taker split."""
    oi_base: float
    """Sum of open interest, now and before the step; NaN when unknown."""
    oi_base_before: float
    oi_ms: int
    """When open interest was last reported."""
    printed: Sequence[Print]
    reported: bool
    """Whether any venue reports forced orders as they happen, or at least hourly."""


class _Track(msgspec.Struct):
    side: Side
    began_ms: int
    """Prints from here on belong to the sweep: the end of the step before it was seen."""
    started_ms: int
    ended_ms: int
    near_price: float
    price_low: float
    price_high: float
    usd: float
    ratio: float
    distance_pct: float
    extreme_price: float
    oi_base: float
    oi_base_now: float
    """NaN until open interest has been reported since the sweep began."""
    volume_ratio: float
    active: bool = True
    rejected: bool = False
    printed_usd: float = 0.0
    printed_after_usd: float = 0.0
    reported: bool = False
    taken_usd: float = ABSENT
    split_usd: float = 0.0


class SweepsFold:
    """`clusters` are those of the last step: what price goes into now was there before."""

    def __init__(self, params: SweepParams) -> None:
        self._params = params
        self._tracks: dict[Side, list[_Track]] = {Side.LONG: [], Side.SHORT: []}
        self._clusters: dict[Side, tuple[Cluster, ...]] = {Side.LONG: (), Side.SHORT: ()}

    def take_clusters(self, side: Side, clusters: tuple[Cluster, ...]) -> None:
        """Clusters (largest first) price may go into next; those too small to matter are left out."""
        large_usd = clusters[0].usd * self._params.size_share_min if clusters else 0.0
        least = self._params.size_ratio_min
        # Without a history of sizes (ratio NaN) only the comparison with the largest one counts.
        self._clusters[side] = tuple(c for c in clusters if c.usd >= large_usd and not c.ratio < least)

    def on_step(self, step: SweepStep) -> None:
        for side in (Side.LONG, Side.SHORT):
            tracks = self._tracks[side]
            extreme_price = step.low_price if side is Side.LONG else step.high_price
            entered = [near for near in self._clusters[side] if _beyond(side, extreme_price, _near_price(near))]
            if entered:
                self._enter(side, entered, extreme_price, step)
            for track in tracks:
                self._follow(track, extreme_price, step)
            oldest_ms = step.time_ms - self._params.kept_ms
            while tracks and (len(tracks) > self._params.kept or tracks[0].ended_ms < oldest_ms):
                tracks.pop(0)

    def _enter(self, side: Side, entered: list[Cluster], extreme_price: float, step: SweepStep) -> None:
        """The largest cluster entered begins a sweep, unless a larger one is under way: that one grows by it."""
        largest = max(entered, key=lambda cluster: cluster.usd)
        tracks = self._tracks[side]
        if tracks and tracks[-1].active:
            track = tracks[-1]
            entered = [cluster for cluster in entered if _beyond(side, _near_price(cluster), _far_price(track))]
            if not entered:
                return  # what has been added inside the swept stretch since is no further cluster
            largest = max(entered, key=lambda cluster: cluster.usd)
            if largest.usd <= track.usd:
                _grow(track, entered)
                return
            track.active = False
        near_price = _near_price(largest)
        track = _Track(
            side=side, began_ms=step.began_ms, started_ms=step.time_ms, ended_ms=step.time_ms, near_price=near_price,
            price_low=largest.price_low, price_high=largest.price_high, usd=largest.usd, ratio=largest.ratio,
            distance_pct=(step.price_before - near_price) * float(side) / step.price_before * 100.0,
            extreme_price=extreme_price, oi_base=step.oi_base_before, oi_base_now=ABSENT,
            volume_ratio=step.volume_ratio,
        )
        _grow(track, [cluster for cluster in entered if _beyond(side, _near_price(cluster), _far_price(track))])
        tracks.append(track)

    def _follow(self, track: _Track, extreme_price: float, step: SweepStep) -> None:
        if step.oi_ms > track.began_ms:
            track.oi_base_now = step.oi_base
        if track.oi_base != track.oi_base:
            track.oi_base = step.oi_base
        self._count_prints(track, step)
        if track.active and _beyond(track.side, extreme_price, track.extreme_price):
            # A new extreme: the flow after it starts anew. Nobody knows the order within the step: it counts as before.
            track.extreme_price, track.taken_usd, track.split_usd = extreme_price, ABSENT, 0.0
        elif step.imbalance_usd == step.imbalance_usd:
            track.taken_usd = (track.taken_usd if track.split_usd > 0 else 0.0) + step.imbalance_usd
            track.split_usd += step.volume_usd
        if track.active:
            if step.volume_ratio > track.volume_ratio or track.volume_ratio != track.volume_ratio:
                track.volume_ratio = step.volume_ratio
            track.ended_ms = step.time_ms
            track.rejected = (step.mark_price - track.near_price) * float(track.side) > 0
            over = step.time_ms - track.started_ms >= self._params.active_ms_max
            track.active = not track.rejected and not over

    def _count_prints(self, track: _Track, step: SweepStep) -> None:
        track.reported = track.reported or step.reported
        for end_ms, span_ms, _, long_usd, short_usd in step.printed:
            usd = long_usd if track.side is Side.LONG else short_usd
            if not span_ms and not usd > 0:
                continue
            start_ms, until_ms = end_ms - span_ms, step.time_ms if track.active else track.ended_ms
            if span_ms == 0:
                during = 1.0 if track.began_ms < end_ms <= until_ms or track.active else 0.0
                after = 1.0 - during
            else:
                during = max(0, min(end_ms, until_ms) - max(start_ms, track.began_ms)) / span_ms
                after = max(0, end_ms - max(start_ms, until_ms)) / span_ms
            # Totals over hours arrive late: until then nothing is known, which is not nothing printed.
            track.reported = track.reported or during > 0
            track.printed_usd += during * usd
            track.printed_after_usd += after * usd

    def latest(self, side: Side) -> Sweep | None:
        tracks = self._tracks[side]
        return _sweep(tracks[-1]) if tracks else None

    def kept(self, side: Side) -> tuple[Sweep, ...]:
        """Oldest first."""
        return tuple(_sweep(track) for track in self._tracks[side])

    def state(self) -> list[Any]:
        return [
            [[msgspec.to_builtins(track) for track in self._tracks[side]] for side in (Side.LONG, Side.SHORT)],
            [[msgspec.to_builtins(cluster) for cluster in self._clusters[side]] for side in (Side.LONG, Side.SHORT)],
        ]

    def load_state(self, state: list[Any]) -> None:
        for index, side in enumerate((Side.LONG, Side.SHORT)):
            self._tracks[side] = [_Track(**{**track, "side": side}) for track in state[0][index]]
            self._clusters[side] = tuple(Cluster(**{**cluster, "side": side}) for cluster in state[1][index])


def _near_price(cluster: Cluster) -> float:
    return cluster.price_high if cluster.side is Side.LONG else cluster.price_low


def _far_price(track: _Track) -> float:
    return track.price_low if track.side is Side.LONG else track.price_high


def _grow(track: _Track, further: list[Cluster]) -> None:
    for cluster in further:
        track.price_low = min(track.price_low, cluster.price_low)
        track.price_high = max(track.price_high, cluster.price_high)
        track.usd += cluster.usd
        track.ratio += cluster.ratio


def _beyond(side: Side, price: float, level: float) -> bool:
    """Whether price has gone to or past a level, away from the side's mark: down for longs."""
    return price <= level if side is Side.LONG else price >= level


def _sweep(track: _Track) -> Sweep:
    oi_change_pct = (track.oi_base_now / track.oi_base - 1.0) * 100.0 if track.oi_base > 0 else ABSENT
    return Sweep(
        side=track.side,
        started_ms=track.started_ms,
        ended_ms=track.ended_ms,
        rejected=track.rejected,
        cluster_usd=track.usd,
        cluster_ratio=track.ratio,
        distance_pct=track.distance_pct,
        price_low=track.price_low,
        price_high=track.price_high,
        extreme_price=track.extreme_price,
        printed_usd=track.printed_usd if track.reported else ABSENT,
        volume_ratio=track.volume_ratio,
        oi_change_pct=oi_change_pct,
        taker_imbalance_after=track.taken_usd / track.split_usd if track.split_usd > 0 else ABSENT,
        printed_after_usd=track.printed_after_usd if track.reported else ABSENT,
    )
