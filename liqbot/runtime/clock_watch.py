"""Notices that time was lost: the process stood still, the machine slept, or somebody set its clock.

What was known of the account before may be wrong since, and every deadline has passed at once: whoever judges must know
first. Nothing here decides anything.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Final

LOST_S_MIN: Final = 4.0
"""Less is a busy machine. Below the time that a position may go without a stop, so that no such time is invented."""
BACK_S_MIN: Final = 1.0
LOOK_S: Final = 0.25
Seconds = Callable[[], float]


class ClockWatch:
    """Of one process. `wall_s` and `steady_s` stand for the clocks of the machine."""

    def __init__(self, wall_s: Seconds = time.time, steady_s: Seconds = time.monotonic) -> None:
        self._wall_s, self._steady_s = wall_s, steady_s
        self._last_wall_s, self._last_steady_s = wall_s(), steady_s()
        self._found = ""

    async def run(self) -> None:
        """Looks until cancelled."""
        while True:
            self._look()
            await asyncio.sleep(LOOK_S)

    def taken(self) -> str:
        """What has happened since the last call; empty when nothing has."""
        self._look()
        found, self._found = self._found, ""
        return found

    def _look(self) -> None:
        wall_s, steady_s = self._wall_s(), self._steady_s()
        passed_s, shown_s = steady_s - self._last_steady_s, wall_s - self._last_wall_s
        self._last_wall_s, self._last_steady_s = wall_s, steady_s
        if passed_s > LOST_S_MIN:
            self._found = f"the process stood still for {passed_s:.1f} s"
        elif shown_s - passed_s > LOST_S_MIN:
            self._found = f"the clock jumped forward by {shown_s - passed_s:.1f} s"
        elif passed_s - shown_s > BACK_S_MIN:
            self._found = f"the clock was set back by {passed_s - shown_s:.1f} s"


class SteadyWall:
    """UTC milliseconds that never go back: where the clock of the machine was set back, they go on from where they
    were until it has caught up."""

    def __init__(self, wall_s: Seconds = time.time, steady_s: Seconds = time.monotonic) -> None:
        self._wall_s, self._steady_s = wall_s, steady_s
        self._at_ms, self._at_steady_s = int(wall_s() * 1_000), steady_s()

    def __call__(self) -> int:
        steady_s = self._steady_s()
        goes_on_ms = self._at_ms + int((steady_s - self._at_steady_s) * 1_000)
        now_ms = int(self._wall_s() * 1_000)
        if now_ms < self._at_ms:
            return goes_on_ms
        self._at_ms, self._at_steady_s = now_ms, steady_s
        return now_ms
