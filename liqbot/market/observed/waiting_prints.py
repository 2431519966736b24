"""Forced orders that wait for the stretch of the price path they came from.

A bar is reported at its end, the forced orders inside it before that: compared with what was known until then, they
would be held against the path before theirs.
"""

from bisect import bisect_right
from typing import Any, Final, NamedTuple

from liqbot.instruments import Side

WAITING_MAX: Final = 10_000
"""Per line; beyond it the oldest wait no longer."""


class Print(NamedTuple):
    """One forced order, or with a `span_ms` the sums of those in (`time_ms` - `span_ms`, `time_ms`]."""

    time_ms: int
    span_ms: int
    venue: int
    """Index in the roster."""
    long_usd: float
    """Closed positions, by side."""
    short_usd: float

    @classmethod
    def order(cls, time_ms: int, venue: int, side: Side, usd: float) -> "Print":
        return cls(time_ms, 0, venue, *((usd, 0.0) if side is Side.LONG else (0.0, usd)))


def _time_ms(one: Print) -> int:
    return one.time_ms


class WaitingPrints:
    """Several lines, each in order of time; what came at the same time stays in order of arrival."""

    def __init__(self, lines: int) -> None:
        self._lines: list[list[Print]] = [[] for _ in range(lines)]

    def add(self, line: int, one: Print) -> None:
        waiting = self._lines[line]
        if waiting and one.time_ms < waiting[-1].time_ms:
            waiting.insert(bisect_right(waiting, one.time_ms, key=_time_ms), one)
        else:
            waiting.append(one)

    def take(self, line: int, known_ms: int) -> list[Print]:
        """Those up to `known_ms`, and the oldest of more than may wait. They wait no longer."""
        waiting = self._lines[line]
        if not waiting:
            return []
        due = max(bisect_right(waiting, known_ms, key=_time_ms), len(waiting) - WAITING_MAX)
        if due <= 0:
            return []
        self._lines[line] = waiting[due:]
        return waiting[:due]

    def state(self) -> list[Any]:
        return [[list(one) for one in waiting] for waiting in self._lines]

    def load_state(self, state: list[Any]) -> None:
        self._lines = [[Print(*one) for one in waiting] for waiting in state]
