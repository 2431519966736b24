"""The rate limiter of one venue: a normal channel for everything, a priority channel for what reduces or protects.

The throttler is first come, first served, so a stop behind a queue of reads would wait for all of them; it has its own.
"""

import asyncio
from typing import Final

from asyncio_throttle.throttler import Throttler

from liqbot.venues.spec import RequestBudget
from liqbot.venues.trading import Channel

HOLD_S_MAX: Final = 60.0


class RateLimiter:
    """Waits until a request may leave. `hold` closes the normal channel after the venue said that we are too fast."""

    def __init__(self, budget: RequestBudget) -> None:
        priority = max(1, round(budget.units * budget.priority_share))
        self._throttlers: dict[Channel, Throttler] = {
            "normal": Throttler(max(1, budget.units - priority), budget.period_s),
            "priority": Throttler(priority, budget.period_s),
        }
        self._open_at_s = 0.0

    async def acquire(self, channel: Channel, weight: int) -> None:
        if channel == "normal":
            await asyncio.sleep(max(0.0, self._open_at_s - asyncio.get_running_loop().time()))
        throttler = self._throttlers[channel]
        for _ in range(min(weight, throttler.rate_limit)):
            await throttler.acquire()  # type: ignore[no-untyped-call]

    def hold(self, seconds: float) -> None:
        """Nothing leaves on the normal channel for this long (at most a minute); what has priority still may."""
        until_s = asyncio.get_running_loop().time() + min(seconds, HOLD_S_MAX)
        self._open_at_s = max(self._open_at_s, until_s)
