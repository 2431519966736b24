"""Frozen forecasts and what became of them: visited bins, realised USD, and the baselines made of the past alone.

Arrays are [O, 2, K]: origin, side (0 long), score bin outward from the mark at the origin.
"""

from typing import Final

import msgspec
import numpy as np

from paper.score.params import ScoreParams
from paper.score.placed_orders import spread
from paper.score.price_path import FINE, LONG, OUTWARD, SHORT, Floats, Whole
from paper.score.record import OURS, ScoreRecord

_HOUR_MS: Final = 3_600_000
_DAY_H: Final = 24
_PROFILE_H: Final = 7 * 24
_PRIOR_VISITS: Final = 5.0


class FrozenOutcome(msgspec.Struct, frozen=True, eq=False):
    """What happened within `hours` of each origin."""

    hours: int
    usable: np.typing.NDArray[np.bool_]
    """[O]: the tape covers the horizon without a gap."""
    visited: Floats
    """Share of each bin that price went through, from the mark at the origin to its extreme."""
    realised_usd: Floats
    """Forced orders reported from each bin."""
    outside_usd: float
    """Reported from where no frozen map could have them: the other side of the mark, or beyond the extreme."""


class Grid:
    """USD per interval between origins, side and absolute 5 bp bin; read off in bins relative to any origin."""

    def __init__(self, record: ScoreRecord) -> None:
        self._record = record
        low, high = np.nanmin(record.low), np.nanmax(record.high)
        self.first = int(low) - 40
        self.bins = int(high) + 41 - self.first
        self.interval = np.searchsorted(record.origin_step, np.arange(len(record.time_ms)), side="left")
        """Per step: the number of the origin that ends its interval; O after the last."""
        self.home = record.setting.roster.venue_code(record.setting.home)
        self.mark = record.origin_marks[:, self.home] - self.first
        self._edges = np.arange(self.bins + 1.0)

    def printed(self) -> Floats:
        """[O + 1, 2, bins] summed over the intervals up to each number."""
        pieces, count = self._record.pieces, len(self.mark) + 1
        rows = self.interval[pieces.step] * 2 + pieces.side
        held = spread(rows, pieces.low, pieces.high, pieces.usd, count=2 * count, first=self.first, bins=self.bins)
        return np.cumsum(held.reshape(count, 2, self.bins), axis=0)

    def traded(self) -> Floats:
        """[O + 1, bins] volume, summed likewise."""
        record, count = self._record, len(self.mark) + 1
        step, venue = np.nonzero((record.volume_usd > 0) & np.isfinite(record.bar_low))
        held = spread(
            self.interval[step], record.bar_low[step, venue], record.bar_high[step, venue],
            record.volume_usd[step, venue], count=count, first=self.first, bins=self.bins,
        )
        return np.cumsum(held, axis=0)

    def outward(self, usd: Floats, origin: int, side: int, bins: int) -> Floats:
        """USD per score bin outward from the mark at an origin."""
        below = np.concatenate(([0.0], np.cumsum(usd)))
        at = np.interp(self.mark[origin] + OUTWARD[side] * FINE * np.arange(bins + 1), self._edges, below)
        found: Floats = np.diff(at) * OUTWARD[side]
        return np.maximum(found, 0.0)


def outcome(record: ScoreRecord, grid: Grid, printed: Floats, hours: int, bins: int) -> FrozenOutcome:
    """Prints and path in the `hours` after each origin."""
    count = len(record.origin_step)
    reach = hours * _HOUR_MS // record.setting.origin_every_ms
    ends = np.minimum(np.arange(count) + reach, count - 1)
    lasted_ms = record.origin_ms[ends] - record.origin_ms
    visited, realised = np.zeros((count, 2, bins)), np.zeros((count, 2, bins))
    off_ms = np.abs(lasted_ms - hours * _HOUR_MS)
    usable = (np.arange(count) + reach < count) & (off_ms <= record.setting.origin_every_ms // 20)
    outside_usd = 0.0
    for origin in np.flatnonzero(usable).tolist():
        steps = slice(record.origin_step[origin] + 1, record.origin_step[ends[origin]] + 1)
        mark = grid.mark[origin] + grid.first
        depth = np.array([mark - np.nanmin(record.low[steps]), np.nanmax(record.high[steps]) - mark]) / FINE
        visited[origin] = np.clip(depth[:, None] - np.arange(bins), 0.0, 1.0)
        window = printed[ends[origin]] - printed[origin]
        for side in (LONG, SHORT):
            usd = grid.outward(window[side], origin, side, bins)
            realised[origin, side] = np.where(visited[origin, side] > 0, usd, 0.0)
        outside_usd += float(window.sum() - realised[origin].sum())
    return FrozenOutcome(hours, usable, visited, realised, outside_usd)


def climatology(found: FrozenOutcome, reach: int) -> tuple[Floats, Floats]:
    """(B4, B4v): USD expected at each distance, and USD expected there given a visit, by past origins alone.

    `reach` is how many origins a horizon spans: an origin counts once its whole horizon is over.
    """
    usd, visits = (_of_the_past(values * found.usable[:, None, None], reach) for values in
                   (found.realised_usd, found.visited))
    origins = _of_the_past(np.broadcast_to(found.usable[:, None, None], found.visited.shape).astype(float), reach)
    total = usd.sum(axis=2, keepdims=True) / np.maximum(visits.sum(axis=2, keepdims=True), 1e-9)
    usd, visits = _widened(usd), _widened(visits)
    per_visit = (usd + _PRIOR_VISITS * total) / (visits + _PRIOR_VISITS)
    chance = (visits + 0.5 * _PRIOR_VISITS / found.visited.shape[2]) / (origins + _PRIOR_VISITS)
    return per_visit * chance, per_visit


def _of_the_past(values: Floats, reach: int) -> Floats:
    """At each origin the sum over origins at least `reach` before it."""
    sums = np.cumsum(values, axis=0)
    found = np.zeros_like(sums)
    found[reach:] = sums[: max(len(sums) - reach, 0)]
    return found


def _widened(values: Floats) -> Floats:
    """Mean over neighbouring bins, the more of them the farther away: far bins are visited rarely."""
    count = values.shape[2]
    below = np.concatenate((np.zeros((*values.shape[:2], 1)), np.cumsum(values, axis=2)), axis=2)
    half = np.arange(count) // 4
    low, high = np.maximum(np.arange(count) - half, 0), np.minimum(np.arange(count) + half, count - 1)
    found: Floats = (below[..., high + 1] - below[..., low]) / (high + 1 - low)
    return found


def memory(record: ScoreRecord, grid: Grid, printed: Floats, bins: int) -> Floats:
    """B5: what was reported from each price in the last 24 hours."""
    return _rolling(record, grid, printed, _DAY_H, bins)


def volume_profile(record: ScoreRecord, grid: Grid, bins: int) -> Floats:
    """B1: what was traded at each price in the last seven days."""
    traded = grid.traded()
    return _rolling(record, grid, np.stack([traded, traded], axis=1), _PROFILE_H, bins)


def _rolling(record: ScoreRecord, grid: Grid, sums: Floats, hours: int, bins: int) -> Floats:
    count = len(record.origin_step)
    reach = max(1, hours * _HOUR_MS // record.setting.origin_every_ms)
    found = np.zeros((count, 2, bins))
    for origin in range(count):
        window = sums[origin] - (sums[origin - reach] if origin >= reach else 0.0)
        for side in (LONG, SHORT):
            found[origin, side] = grid.outward(window[side], origin, side, bins)
    return found


def moved_in_time(maps: Floats, gap: int, seed: int | None) -> Floats:
    """Maps of earlier origins, in bins relative to their own mark: `gap` origins ago, or with a seed at any time before
    that (B6). Zero where nothing is that old."""
    count = len(maps)
    found = np.zeros_like(maps)
    if count <= gap:
        return found
    latest = np.arange(count - gap)
    if seed is not None:
        chance = np.random.default_rng(seed).random(count - gap)
        latest = (chance * (latest + 1)).astype(np.int64)
    found[gap:] = maps[latest]
    return found


def mirrored(maps: Floats) -> Floats:
    """Longs' map as the shorts' and the other way round."""
    return maps[:, ::-1]


def of_the_past(record: ScoreRecord, grid: Grid, printed: Floats, params: ScoreParams, seed: int) -> dict[str, Floats]:
    """Baselines that need no online model and no horizon."""
    gap = params.shuffle_gap_h * _HOUR_MS // record.setting.origin_every_ms
    ours = record.positions_usd[OURS]
    return {
        "B0": np.ones_like(ours),
        "B1": volume_profile(record, grid, params.bins),
        "B5": memory(record, grid, printed, params.bins),
        "B6": moved_in_time(ours, gap, seed),
        "moved 48 h": moved_in_time(ours, gap, None),
        "mirrored": mirrored(ours),
    }


def origins_in(record: ScoreRecord, begin_ms: float, end_ms: float) -> Whole:
    """Numbers of the origins within a stretch of time."""
    times = record.origin_ms
    return np.flatnonzero((times >= begin_ms) & (times < end_ms))
