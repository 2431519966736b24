"""What an edge is given by whoever starts it: a clock, and a place for what it learns."""

from collections.abc import Callable
from typing import Protocol

from liqbot.blocks import EventBlock

Clock = Callable[[], int]
"""Wall time in ms since the epoch."""


class Sink(Protocol):
    """The inbox, as far as a feed sees it."""

    def put(self, part: EventBlock) -> None:
        """A part of the present clock step; one with a Tick completes it. Never blocks, never refuses."""

    @property
    def steps_waiting(self) -> int:
        """Complete steps that nobody has taken yet."""
