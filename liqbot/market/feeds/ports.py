"""What an edge is given by whoever starts it: a clock, and a place for what it learns."""

from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from liqbot.blocks import EventBlock
from liqbot.events import Event

Clock = Callable[[], int]
"""Wall time in ms since the epoch."""


class Sink(Protocol):
    """The inbox, as far as a feed sees it."""

    def put(self, part: EventBlock) -> None:
        """A part of the present clock step; one with a Tick completes it. Never blocks, never refuses."""

    @property
    def steps_waiting(self) -> int:
        """Complete steps that nobody has taken yet."""


class RawSink(Protocol):
    """Whoever keeps what a feed hears as it was sent. Must not block and must not raise: the feed calls it between a
    message and its decoding."""

    def began(self, venue: str, markets: Mapping[str, Any], now_ms: int) -> None:
        """The contracts are loaded (by unified symbol); nothing of the venue was received before."""

    def message(self, venue: str, raw: str | bytes, url: str, received_ms: int) -> None: ...

    def answer(self, venue: str, poll: int, payload: Any, received_ms: int) -> None:
        """To the venue's n-th repeated request, as JSON that was read."""

    def lost(self, venue: str, subscription: int, reason: str, now_ms: int) -> None:
        """The stream of the venue's n-th subscription broke: what it had sent is forgotten."""

    def handed_over(self, venue: str, facts: tuple[Event, ...], now_ms: int, *, everything: bool) -> None:
        """What was gathered of it went to the house, with these facts about its lines; `everything`: bars that were
        still open too."""

    def ticked(self, tick_ms: int, lag_ms: int, now_ms: int) -> None:
        """A clock step ended: what was handed over until now is in it."""


class NoRawSink:
    """Keeps nothing."""

    def began(self, venue: str, markets: Mapping[str, Any], now_ms: int) -> None:
        pass

    def message(self, venue: str, raw: str | bytes, url: str, received_ms: int) -> None:
        pass

    def answer(self, venue: str, poll: int, payload: Any, received_ms: int) -> None:
        pass

    def lost(self, venue: str, subscription: int, reason: str, now_ms: int) -> None:
        pass

    def handed_over(self, venue: str, facts: tuple[Event, ...], now_ms: int, *, everything: bool) -> None:
        pass

    def ticked(self, tick_ms: int, lag_ms: int, now_ms: int) -> None:
        pass


NO_RAW_SINK: Final = NoRawSink()
