"""The rate limiter of one venue: one budget, of which a part is kept free for what reduces or protects.

A throttler is first come, first served, so a stop behind a queue of reads would wait for all of them. Here the more
urgent goes first, and a channel may use what is free, except what is kept for the more urgent ones: reads leave some
for what a stop depends on, and that leaves some for the stop. Within a channel it is first come, first served, and a
request leaves with all its units at once: units are taken when the venue counts them.

Reads are never shut out for good: the one that has waited longest goes in its turn even where what is urgent would use
everything, one in so long.
"""

import asyncio
import math
import time
from collections import deque
from typing import Final

from asyncio_throttle.throttler import Throttler

from liqbot.venues.spec import RequestBudget
from liqbot.venues.trading import Channel

HOLD_S_MAX: Final = 60.0
HOLD_S: Final = 1.0
"""Where the venue does not say for how long; twice as long each time that it says so again."""
CALM_S: Final = 10.0
"""So long without another word after a hold, and it is forgotten."""
READ_DUE_S: Final = 10.0
"""A read that was the next one for so long, and for a whole period, is no longer held up by what is urgent."""
_LAST_SHARE: Final = 0.25
"""Of what is kept from ordinary reads: for what reduces or protects alone, whose requests are few and light."""
_HELD: Final = frozenset[Channel]({"normal", "order"})
_FIRST: Final[tuple[Channel, ...]] = ("priority", "urgent", "order", "normal")
_READ_DUE: Final[tuple[Channel, ...]] = ("priority", "normal", "urgent", "order")


class _Window(Throttler):
    """A throttler whose callers do not all go equally far."""

    def room(self, units: int) -> int:
        """How many of so many are free: not taken within the period."""
        self.flush()  # type: ignore[no-untyped-call]
        return max(0, units - len(self._task_logs))

    def wait_s(self, weight: int, units: int) -> float:
        """Until a request of that weight could have its units, if nobody else asked; 0 at once."""
        missing = min(weight, units) - self.room(units)
        return max(0.0, self._task_logs[missing - 1] + self.period - time.monotonic()) if missing > 0 else 0.0

    def take(self, weight: int, units: int) -> bool:
        """Whether a request of that weight had its units, out of so many in a period: all of them or none."""
        wanted = min(weight, units)
        if wanted > self.room(units):
            return False
        self._task_logs.extend([time.monotonic()] * wanted)
        return True


class RateLimiter:
    """Waits until a request may leave. `hold` lets only what is urgent leave after the venue said that we are too
    fast."""

    def __init__(self, budget: RequestBudget) -> None:
        kept = max(1, round(budget.units * budget.priority_share))
        most = max(1, budget.units - math.ceil(kept * _LAST_SHARE))
        self._window = _Window(budget.units, budget.period_s)
        self._units: dict[Channel, int] = {
            "normal": max(1, budget.units - kept),
            "order": most,
            "urgent": most,
            "priority": budget.units,
        }
        self._waiting: dict[Channel, deque[object]] = {channel: deque() for channel in _FIRST}
        self._next_since_s = 0.0
        """Since when the read that waits longest is the next one."""
        self._open_at_s = -math.inf
        self._hold_s = HOLD_S

    async def acquire(self, channel: Channel, weight: int) -> None:
        queue, me = self._waiting[channel], object()
        if channel == "normal" and not queue:
            self._next_since_s = time.monotonic()
        queue.append(me)
        try:
            while not self._leaves(channel, weight, me):  # noqa: ASYNC110 -- units come free by the clock
                await asyncio.sleep(self._window.retry_interval)
        finally:
            if channel == "normal" and queue[0] is me:
                self._next_since_s = time.monotonic()
            queue.remove(me)

    def room(self, channel: Channel) -> int:
        """Units that a request on this channel could take at once."""
        return self._window.room(self._units[channel])

    def wait_s(self, channel: Channel, weight: int) -> float:
        """How long a request would wait for its units, if nobody else asked."""
        return self._window.wait_s(weight, self._units[channel])

    def hold(self, seconds: float | None = None) -> None:
        """Reads and entries stay for this long (at most a minute), those that wait already too; what is urgent still
        leaves. None: the venue did not say."""
        now_s = asyncio.get_running_loop().time()
        if seconds is None:
            seconds = self._own_hold_s(now_s)
        self._open_at_s = max(self._open_at_s, now_s + min(seconds, HOLD_S_MAX))

    def _own_hold_s(self, now_s: float) -> float:
        if now_s >= self._open_at_s:  # else one of those that were on their way: it says nothing new
            self._hold_s = min(2 * self._hold_s, HOLD_S_MAX) if now_s < self._open_at_s + CALM_S else HOLD_S
        return self._hold_s if now_s >= self._open_at_s else 0.0

    def _leaves(self, channel: Channel, weight: int, me: object) -> bool:
        """Whether it has its units, and leaves now."""
        if self._waiting[channel][0] is not me or self._is_held(channel):
            return False
        units = self._units["urgent" if channel == "normal" and self._read_is_due() else channel]
        return not self._gives_way(channel) and self._window.take(weight, units)

    def _gives_way(self, channel: Channel) -> bool:
        """To what waits, may leave, and is before it."""
        order = _READ_DUE if self._read_is_due() else _FIRST
        return any(self._waiting[one] and not self._is_held(one) for one in order[: order.index(channel)])

    def _is_held(self, channel: Channel) -> bool:
        return channel in _HELD and asyncio.get_running_loop().time() < self._open_at_s

    def _read_is_due(self) -> bool:
        """Reads alone never hold one up for longer than a period: what they took is free again by then."""
        waited_s = time.monotonic() - self._next_since_s
        return bool(self._waiting["normal"]) and waited_s > max(READ_DUE_S, self._window.period)
