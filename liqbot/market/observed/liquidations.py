"""Observed forced orders of one coin: the last hour's sums, and what belongs to the span that was just reported.

Venues report only a part: every sum is a floor.
"""

from collections.abc import Sequence
from typing import Any, Final

from liqbot.instruments import Side
from liqbot.market.observed.waiting_prints import Print, WaitingPrints

ABSENT = float("nan")
_HOUR_MS: Final = 3_600_000
_SLOT_MS: Final = 60_000
_REPORTS_MS: Final = 86_400_000
"""A coin nobody reported a forced order of for this long has no reporter."""


class ForcedFlow:
    """Orders count in the hour's sums as they come, and wait until `begin_step` knows that price was where they are.

    `of_venue` (by its own path) and `of_path` (by the traded one) hold those of the present step.
    """

    def __init__(self, venues: Sequence[str]) -> None:
        self._venues = venues
        self._slots: list[list[float]] = []
        """[slot, long, short], ascending."""
        self._received_ms = 0
        self._reporters: dict[str, int] = {}
        """Venues that reported single orders, and when first."""
        self._totals: dict[str, tuple[int, int, float, float]] = {}
        """Newest sums of venues that give them: time, span, long, short. Their single orders are contained in those."""
        self._for_venue = WaitingPrints(len(venues))
        self._for_path = WaitingPrints(1)
        self.of_venue: list[Print] = []
        self.of_path: list[Print] = []

    def begin_step(self, known_ms: Sequence[int], path_known_ms: int) -> None:
        """`known_ms[venue]`: until when the venue's price is known; `path_known_ms`: the price that sweeps follow."""
        self.of_venue = [one for line, until_ms in enumerate(known_ms) for one in self._for_venue.take(line, until_ms)]
        self.of_path = self._for_path.take(0, path_known_ms)

    def take_order(self, part: float, time_ms: int, venue: int, side: int, size_usd: float) -> bool:
        """`venue` is the index in the roster; `part` of it counts in the hour's sums. False when it cannot be true."""
        if not (0 < size_usd < 1e12 and side in {1, -1}):
            return False
        name = self._venues[venue]
        totals = self._totals.get(name)
        if totals is None or time_ms - totals[0] >= _REPORTS_MS:
            self._add(Print.order(time_ms, venue, Side(side), size_usd), part)
            self._reporters.setdefault(name, time_ms)
        return True

    def take_totals(
        self, part: float, time_ms: int, venue: int, span_ms: int, long_usd: float, short_usd: float
    ) -> bool:
        """Likewise, or when a part of the span was reported before."""
        if not (0 <= long_usd < 1e12 and 0 <= short_usd < 1e12 and span_ms > 0):
            return False
        name = self._venues[venue]
        if name in self._totals and time_ms - span_ms < self._totals[name][0]:
            return False
        self._totals[name] = (time_ms, span_ms, long_usd, short_usd)
        self._add(Print(time_ms, span_ms, venue, long_usd, short_usd), part)
        return True

    def _add(self, one: Print, part: float) -> None:
        self._for_venue.add(one.venue, one)
        self._for_path.add(0, one)
        if one.span_ms > _HOUR_MS:
            return
        self._received_ms = max(self._received_ms, one.time_ms)
        slot = one.time_ms // _SLOT_MS
        if not self._slots or self._slots[-1][0] < slot:
            self._slots.append([slot, 0.0, 0.0])
        self._slots[-1][1] += one.long_usd * part
        self._slots[-1][2] += one.short_usd * part

    def reported_by(self, venue: str) -> bool:
        """Whether this venue itself ever reported a forced order or a sum of them."""
        return venue in self._reporters or venue in self._totals

    def reports(self, now_ms: int) -> bool:
        """Whether anybody reports forced orders as they happen, or at least hourly."""
        return self._received_ms > 0 and now_ms - self._received_ms <= _REPORTS_MS

    def coarse(self, now_ms: int) -> bool:
        """Whether the sums rest in part on totals over more than an hour, taken in proportion."""
        return bool(self._coarse(now_ms))

    def _coarse(self, now_ms: int) -> list[tuple[int, int, float, float]]:
        """Totals over more than an hour, which stand until their successor is due."""
        return [
            totals
            for totals in self._totals.values()
            if totals[1] > _HOUR_MS and now_ms - totals[0] <= totals[1] * 5 // 4
        ]

    def last_hour_usd(self, now_ms: int) -> tuple[float, float]:
        """(longs, shorts) force-closed; NaN where nobody reports."""
        coarse = self._coarse(now_ms)
        if not coarse and not self.reports(now_ms):
            return ABSENT, ABSENT
        oldest = (now_ms - _HOUR_MS) // _SLOT_MS
        while self._slots and self._slots[0][0] <= oldest:
            self._slots.pop(0)
        long_usd, short_usd = (sum(slot[side] for slot in self._slots) for side in (1, 2))
        for _, span_ms, coarse_long_usd, coarse_short_usd in coarse:
            long_usd += coarse_long_usd * _HOUR_MS / span_ms
            short_usd += coarse_short_usd * _HOUR_MS / span_ms
        return long_usd, short_usd

    def state(self) -> list[Any]:
        """Between steps: what is of the last one is not in it."""
        totals = {venue: list(total) for venue, total in self._totals.items()}
        waiting = [self._for_venue.state(), self._for_path.state()]
        return [[list(slot) for slot in self._slots], self._received_ms, totals, dict(self._reporters), waiting]

    def load_state(self, state: list[Any]) -> None:
        slots, self._received_ms, totals, self._reporters, (for_venue, for_path) = state
        self._reporters = dict(self._reporters)
        self._slots = [list(slot) for slot in slots]
        self._totals = {venue: (total[0], total[1], total[2], total[3]) for venue, total in totals.items()}
        self._for_venue.load_state(for_venue)
        self._for_path.load_state(for_path)
        self.of_venue, self.of_path = [], []
