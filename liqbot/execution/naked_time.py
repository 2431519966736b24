"""Naked time: how long a position was open without a confirmed stop over all of it, by the venue's own clock.

It begins with the fill and ends when the venue has the stop, or when the position is gone. Pure: every time comes with
a fact, so a replay measures the same.
"""

import math
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

import msgspec

from liqbot.instruments import Side

KEPT: Final = 1_000
SHARE: Final = 0.99


class PositionNaked(msgspec.Struct, frozen=True):
    """For how long in all a position of ours has been naked; it is not at present."""

    venue: str
    coin: str
    account: str
    side: Side
    naked_ms: int


class NakedClock(msgspec.Struct):
    """Of one position after the other on one instrument: updated whenever something has changed, or time has passed."""

    since_ms: int = 0
    """Since when it has been naked; 0 while it is covered, or flat."""
    total_ms: int = 0
    """Of this position, without the time that still runs."""
    is_open: bool = False

    def see(self, time_ms: int, *, held_base: Decimal, covered_base: Decimal) -> int | None:
        """`held_base` is what is open, `covered_base` what confirmed stops cover, at `time_ms`. When that ends a
        position: for how long in all it was naked."""
        naked = held_base > covered_base
        if naked and not self.since_ms:
            self.since_ms = time_ms
        elif self.since_ms and not naked:
            self.total_ms += max(0, time_ms - self.since_ms)
            self.since_ms = 0
        ended = self.is_open and not held_base
        self.is_open = held_base > 0
        if not ended:
            return None
        total_ms, self.total_ms = self.total_ms, 0
        return total_ms

    def naked_ms(self, now_ms: int) -> int:
        """Of this position up to now."""
        return self.total_ms + (max(0, now_ms - self.since_ms) if self.since_ms else 0)


class NakedRecord(msgspec.Struct):
    """Of the positions of one journal."""

    positions: int = 0
    last_ms: int = 0
    max_ms: int = 0
    newest_ms: list[int] = []
    """One for each of the newest positions."""

    def add(self, naked_ms: int) -> None:
        self.positions += 1
        self.last_ms, self.max_ms = naked_ms, max(self.max_ms, naked_ms)
        self.newest_ms = [*self.newest_ms[1 - KEPT :], naked_ms]

    @property
    def p99_ms(self) -> int:
        """Of the newest thousand positions; 0 without any."""
        return quantile_ms(self.newest_ms, SHARE)


def quantile_ms(values_ms: Sequence[int], share: float) -> int:
    """The smallest value that at least this share of them does not exceed (nearest rank); 0 for none."""
    if not values_ms:
        return 0
    return sorted(values_ms)[max(0, math.ceil(share * len(values_ms)) - 1)]
