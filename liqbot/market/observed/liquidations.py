"""Observed forced orders of one coin, summed over the last hour. Venues report only a part: every sum is a floor."""

from typing import Any, Final

from liqbot.instruments import Side

ABSENT = float("nan")
_HOUR_MS: Final = 3_600_000
_SLOT_MS: Final = 60_000
_REPORTS_MS: Final = 86_400_000
"""A coin nobody reported a forced order of for this long has no reporter."""

Printed = tuple[int, int, Side, float]
"""From, to (ms), side of the closed positions, USD."""


class ForcedFlow:
    """`printed` are the forced orders of the present step, for those who follow a sweep.

    `orders` (venue, side, USD) and `sums` (venue, USD of longs, USD of shorts) are the same by venue.
    """

    def __init__(self) -> None:
        self._slots: list[list[float]] = []
        """[slot, long, short], ascending."""
        self._received_ms = 0
        self._reporters: dict[str, int] = {}
        """Venues that reported single orders, and when first."""
        self._totals: dict[str, tuple[int, int, float, float]] = {}
        """Newest sums of venues that give them: time, span, long, short. Their single orders are contained in those."""
        self.begin_step()

    def begin_step(self) -> None:
        self.printed: list[Printed] = []
        self.orders: list[tuple[str, Side, float]] = []
        self.sums: list[tuple[str, float, float]] = []

    def take_order(self, time_ms: int, venue: str, side: int, size_usd: float) -> bool:
        if not (0 < size_usd < 1e12 and side in {1, -1}):
            return False
        totals = self._totals.get(venue)
        if totals is None or time_ms - totals[0] >= _REPORTS_MS:
            self._add(time_ms, time_ms, Side(side), size_usd)
            self.orders.append((venue, Side(side), size_usd))
            self._reporters.setdefault(venue, time_ms)
        return True

    def take_totals(self, time_ms: int, venue: str, span_ms: int, long_usd: float, short_usd: float) -> bool:
        if not (0 <= long_usd < 1e12 and 0 <= short_usd < 1e12 and span_ms > 0):
            return False
        self._totals[venue] = (time_ms, span_ms, long_usd, short_usd)
        self.sums.append((venue, long_usd, short_usd))
        self._add(time_ms - span_ms, time_ms, Side.LONG, long_usd)
        self._add(time_ms - span_ms, time_ms, Side.SHORT, short_usd)
        return True

    def _add(self, start_ms: int, end_ms: int, side: Side, usd: float) -> None:
        self.printed.append((start_ms, end_ms, side, usd))
        if end_ms - start_ms > _HOUR_MS:
            return
        self._received_ms = max(self._received_ms, end_ms)
        slot = end_ms // _SLOT_MS
        if not self._slots or self._slots[-1][0] < slot:
            self._slots.append([slot, 0.0, 0.0])
        self._slots[-1][1 if side is Side.LONG else 2] += usd

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
        totals = {venue: list(total) for venue, total in self._totals.items()}
        return [[list(slot) for slot in self._slots], self._received_ms, totals, dict(self._reporters)]

    def load_state(self, state: list[Any]) -> None:
        slots, self._received_ms, totals, self._reporters = state
        self._reporters = dict(self._reporters)
        self._slots = [list(slot) for slot in slots]
        self._totals = {venue: (total[0], total[1], total[2], total[3]) for venue, total in totals.items()}
        self.begin_step()
