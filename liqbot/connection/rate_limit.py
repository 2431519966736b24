"""The request budget of one venue: a wide lane for everything, a small one that only protective orders may use.

The throttler is first come, first served, so a stop behind a queue of reads would wait for all of them; it has its own.
"""

import asyncio
from typing import Final, Literal

import msgspec
from asyncio_throttle.throttler import Throttler

Lane = Literal["normal", "protective"]
HOLD_S_MAX: Final = 60.0


class RequestBudget(msgspec.Struct, frozen=True):
    """Units per period over both lanes; a request of weight n takes n units."""

    units: int = 20
    period_s: float = 1.0
    protective_share: float = 0.2

    def __post_init__(self) -> None:
        if self.units < 2:
            raise ValueError(f"units: {self.units} must be 2 or more, one for each lane")
        if not 0.0 < self.protective_share < 1.0:
            raise ValueError(f"protective_share: {self.protective_share} must lie between 0 and 1")


class RateLimiter:
    """Waits until a request may leave. `hold` closes the normal lane after the venue said that we are too fast."""

    def __init__(self, budget: RequestBudget) -> None:
        protective = max(1, round(budget.units * budget.protective_share))
        self._throttlers: dict[Lane, Throttler] = {
            "normal": Throttler(max(1, budget.units - protective), budget.period_s),
            "protective": Throttler(protective, budget.period_s),
        }
        self._open_at_s = 0.0

    async def enter(self, lane: Lane, weight: int) -> None:
        if lane == "normal":
            await asyncio.sleep(max(0.0, self._open_at_s - asyncio.get_running_loop().time()))
        throttler = self._throttlers[lane]
        for _ in range(min(weight, throttler.rate_limit)):
            await throttler.acquire()  # type: ignore[no-untyped-call]

    def hold(self, seconds: float) -> None:
        """Nothing leaves on the normal lane for this long (at most a minute); protective orders still may."""
        until_s = asyncio.get_running_loop().time() + min(seconds, HOLD_S_MAX)
        self._open_at_s = max(self._open_at_s, until_s)
