"""How far a long run is and how long it will take, on stderr."""

import sys
import time
from collections.abc import Callable
from typing import Final

Say = Callable[[str], object]
EVERY_S: Final = 10.0


def to_stderr(text: str) -> None:
    print(text, file=sys.stderr, flush=True)  # noqa: T201 -- that is what it is for


class RunProgress:
    """Fed with the share that is done; says so now and then, never at first."""

    def __init__(self, what: str, say: Say, now_s: Callable[[], float] = time.monotonic) -> None:
        self._what, self._say, self._now_s = what, say, now_s
        self._began_s = self._said_s = now_s()

    def at(self, share: float, detail: str = "") -> None:
        """`share` of the whole, 0..1."""
        now_s = self._now_s()
        if now_s - self._said_s < EVERY_S or not 0.0 < share < 1.0:
            return
        self._said_s = now_s
        left_s = (now_s - self._began_s) * (1.0 - share) / share
        self._say(f"{self._what}: {100 * share:.0f} %{f', {detail}' if detail else ''}, about {lasting(left_s)} left")


def lasting(seconds: float) -> str:
    """For people: 40 s, 12 min, 3.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5_400 else f"{seconds / 3600:.1f} h"
