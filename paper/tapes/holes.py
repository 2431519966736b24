"""Times of which a series tells nothing: from its bars and sums, or from the pace at which it tells moments.

Five minutes are the least: bars of a second are missing wherever nothing was traded. Forced orders and positions have
no pace, their silence means nothing. A funding rate says itself for how long it is: what is told more rarely has holes.
"""

from collections import Counter
from typing import Final

import msgspec
import numpy as np
import numpy.typing as npt

from liqbot.blocks import Rows
from liqbot.market.observed.settlements import HOUR_MS
from paper.tapes.format import TIME
from paper.tapes.repeats import SPAN, SPANNED
from paper.tapes.told_twice import MANY_AT_ONCE

HOLE_MS_MIN: Final = 300_000
PACE_SHARE_MIN: Final = 0.9
"""A hole lasts at least so much of the time that one row of the series tells of."""


class Hole(msgspec.Struct, frozen=True):
    from_ms: int
    until_ms: int

    @property
    def lasts_ms(self) -> int:
        return self.until_ms - self.from_ms


class Gaps:
    """Of one series, fed its rows in their order."""

    def __init__(self, kind: str) -> None:
        self._spanned, self._silent = kind in SPANNED, kind in MANY_AT_ONCE
        self.began_ms, self._last_ms = 0, 0
        self._paces: Counter[int] = Counter()
        """Seconds from row to row, and how often; of kinds without spans."""
        self._interval_ms = 0
        """The longest that a rate was for; 0: rows say nothing of the kind."""
        self._found: list[npt.NDArray[np.int64]] = []
        """[from, until, least] of every time without a row that may be a hole, in pieces."""

    def add(self, rows: Rows) -> None:
        if self._silent:
            return
        times = rows[TIME]
        spans = rows[SPAN] if self._spanned else np.zeros(len(rows), np.int64)
        self._interval_ms = max(self._interval_ms, _interval_ms(rows))
        if not self._last_ms:
            self.began_ms = self._last_ms = int(times[0] - spans[0])
        ended = np.maximum.accumulate(np.concatenate(([self._last_ms], times[:-1])))
        self._last_ms = max(int(ended[-1]), int(times[-1]))
        silent_ms = times - spans - ended
        if not self._spanned:
            paces, counts = np.unique(silent_ms[silent_ms > 0] // 1_000, return_counts=True)
            self._paces.update(dict(zip(paces.tolist(), counts.tolist(), strict=True)))
        long = silent_ms >= HOLE_MS_MIN
        if long.any():
            self._found.append(np.stack((ended[long], (times - spans)[long], spans[long]), axis=1))

    def within(self, from_ms: int, until_ms: int) -> tuple[Hole, ...]:
        """The holes of a tape that lasts from one to the other: before the first row and after the last, too."""
        if self._silent:
            return ()
        pace_ms = 0 if self._spanned else self._usual_ms()
        before = np.array([[from_ms - pace_ms, self.began_ms - pace_ms, 0]])
        after = np.array([[self._last_ms, until_ms, 0]])
        found = np.concatenate([before, *self._found, after])
        begin_ms, end_ms = found[:, 0] + pace_ms, found[:, 1]
        least_ms = np.maximum(np.maximum(found[:, 2], pace_ms) * PACE_SHARE_MIN, HOLE_MS_MIN)
        held = np.flatnonzero(end_ms - begin_ms >= least_ms)
        return tuple(Hole(int(begin_ms[index]), int(end_ms[index])) for index in held)

    def _usual_ms(self) -> int:
        """Median time from row to row, and no longer than a row is for."""
        median_ms = self._median_ms()
        return min(median_ms or self._interval_ms, self._interval_ms or median_ms)

    def _median_ms(self) -> int:
        half, seen = self._paces.total() / 2, 0
        for pace_s, count in sorted(self._paces.items()):
            seen += count
            if seen >= half:
                return pace_s * 1_000
        return 0


def _interval_ms(rows: Rows) -> int:
    """The longest that one of these rates is for; 0 where they are no rates."""
    return round(float(rows["interval_h"].max()) * HOUR_MS) if "interval_h" in (rows.dtype.names or ()) else 0


def share_covered(holes: tuple[Hole, ...], from_ms: int, until_ms: int) -> float:
    """Of the time from `from_ms` to `until_ms`; 1 where that is none."""
    lasts_ms = until_ms - from_ms
    return 1.0 - sum(hole.lasts_ms for hole in holes) / lasts_ms if lasts_ms > 0 else 1.0
