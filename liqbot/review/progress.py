"""How far long work is and how long it still takes, on stderr; nothing for work that is done at once."""

import contextlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from liqbot.blocks import EventBlock
from liqbot.legible import beneath

PATIENCE_S: Final = 2.0
"""Work that is done before says nothing."""
_LINE_EVERY_S: Final = 15.0
_LOOK_EVERY: Final = 64
"""Blocks between two looks at the clock."""
Advance = Callable[[float], None]
"""Receives the share that is done, 0..1."""


@contextlib.contextmanager
def progress(what: str, clock_s: Callable[[], float] = time.monotonic) -> Iterator[Advance]:
    """A bar with the time left on a terminal, a line now and then elsewhere."""
    shown = _Bar(what) if sys.stderr.isatty() else _Lines(what)
    begun_s = clock_s()

    def advance(share: float) -> None:
        elapsed_s = clock_s() - begun_s
        if elapsed_s >= PATIENCE_S and share > 0:
            shown.show(min(share, 1.0), elapsed_s)

    try:
        yield advance
    finally:
        shown.end()


def watched(blocks: Iterable[EventBlock], first_ms: int, last_ms: int, advance: Advance) -> Iterator[EventBlock]:
    """The blocks as they are; how far they have come is told by their Ticks between the two times."""
    for number, block in enumerate(blocks):
        yield block
        if number % _LOOK_EVERY == 0 and block.tick_ms is not None:
            advance((block.tick_ms - first_ms) / max(1, last_ms - first_ms))


def lasting(seconds: float) -> str:
    """For people: 40 s, 12 min, 3.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5_400 else f"{seconds / 3600:.1f} h"


class _Lines:
    """For a log or a pipe."""

    def __init__(self, what: str) -> None:
        self._what, self._next_s = what, 0.0

    def show(self, share: float, elapsed_s: float) -> None:
        if elapsed_s < self._next_s:
            return
        self._next_s = elapsed_s + _LINE_EVERY_S
        left_s = elapsed_s * (1.0 - share) / share
        print(f"{self._what}: {share:.0%}, {lasting(left_s)} left", file=sys.stderr, flush=True)

    def end(self) -> None:
        """A line is never taken back."""


class _Bar:
    """For a person."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._drawn: Any = None
        self._task: Any = None

    def show(self, share: float, elapsed_s: float) -> None:
        del elapsed_s  # the library has a clock of its own
        if self._drawn is None:
            self._begin()
        self._drawn.update(self._task, completed=share)

    def end(self) -> None:
        if self._drawn is not None:
            self._drawn.stop()

    def _begin(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
        self._drawn = Progress(*columns, console=Console(file=beneath(sys.stderr)), transient=True)
        self._task = self._drawn.add_task(self._what, total=1.0)
        self._drawn.start()
