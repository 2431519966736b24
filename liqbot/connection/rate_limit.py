"""The rate limiter of one venue: one budget, of which a part is kept free for what reduces or protects.

A throttler is first come, first served, so a stop behind a queue of reads would wait for all of them. Here every
channel may use what is free, except what is kept for the more urgent ones: reads leave some for what a stop depends on,
and that leaves some for the stop.
"""

import asyncio
import math
import time
from typing import Final

from asyncio_throttle.throttler import Throttler

from liqbot.venues.spec import RequestBudget
from liqbot.venues.trading import Channel

HOLD_S_MAX: Final = 60.0
_LAST_SHARE: Final = 0.25
"""Of what is kept from ordinary reads: for what reduces or protects alone, whose requests are few and light."""
_HELD: Final = frozenset[Channel]({"normal", "order"})


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

    async def take(self, weight: int, units: int) -> None:
        """A request of that weight, out of so many units in a period."""
        missing = min(weight, units)
        while True:
            taken = min(missing, self.room(units))
            self._task_logs.extend([time.monotonic()] * taken)
            missing -= taken
            if not missing:
                return
            await asyncio.sleep(self.retry_interval)


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
        self._open_at_s = 0.0

    async def acquire(self, channel: Channel, weight: int) -> None:
        if channel in _HELD:
            await asyncio.sleep(max(0.0, self._open_at_s - asyncio.get_running_loop().time()))
        await self._window.take(weight, self._units[channel])

    def room(self, channel: Channel) -> int:
        """Units that a request on this channel could take at once."""
        return self._window.room(self._units[channel])

    def wait_s(self, channel: Channel, weight: int) -> float:
        """How long a request would wait for its units, if nobody else asked."""
        return self._window.wait_s(weight, self._units[channel])

    def hold(self, seconds: float) -> None:
        """Reads and entries stay for this long (at most a minute); what is urgent still leaves."""
        until_s = asyncio.get_running_loop().time() + min(seconds, HOLD_S_MAX)
        self._open_at_s = max(self._open_at_s, until_s)
