"""Time of a market served on loopback to a house in the same process: one step, then everybody's answer, then the Tick.

The market waits for the house and never the house for the market, so any speed is safe: a slow machine makes a slow
market, not late orders.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Mapping
from typing import Final, Protocol

import msgspec

from liqbot.blocks import EventBlock
from liqbot.engine import Engine, Step
from liqbot.events import Event
from liqbot.runtime.inbox import Inbox
from liqbot.venues.registry import wire_of
from liqbot.venues.streams import VenueWire
from paper.dialects.hub import Hub

PATIENCE_S: Final = 2.0
"""Longest wait for the house within one step: an order whose fate takes longer is waited for no more."""
LISTENING_S_MAX: Final = 20.0
POLL_MS_MIN: Final = 400
_TURN_S: Final = 0.001
_CALM_TURNS: Final = 3


class Listener(Protocol):
    """What time asks of a feed."""

    @property
    def listening(self) -> bool: ...

    def flush(self, inbox: Inbox, *, everything: bool = False) -> None: ...


class Waiting:
    """Whether the house has answered everything it was told. `tell` and `seen` stand on either side of it."""

    def __init__(self) -> None:
        self._tell: Callable[[tuple[Event, ...]], None] = _nowhere
        self._untaken: dict[int, Event] = {}
        self.tick_ms = 0
        """The newest Tick that was answered."""
        self.sent = False
        """Whether commands left since this was last put down."""

    def passes_on(self, tell: Callable[[tuple[Event, ...]], None]) -> None:
        """Where told facts go."""
        self._tell = tell

    def tell(self, facts: tuple[Event, ...]) -> None:
        self._untaken.update((id(fact), fact) for fact in facts)
        self._tell(facts)

    def seen(self, seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        """The observer."""
        del seq, engine
        self.sent |= bool(step.commands)
        for fact in block.facts:
            self._untaken.pop(id(fact), None)
        if block.tick_ms is not None:
            self.tick_ms = block.tick_ms

    @property
    def over(self) -> bool:
        return not self._untaken


class MarketTime:
    """The Ticks of a house whose market is simulated: walks the hub through `blocks` at `speed` market seconds per wall
    second (0: as fast as it goes)."""

    def __init__(self, hub: Hub, blocks: Iterable[EventBlock], speed: float, for_s: float | None) -> None:
        """`for_s` counts from here, whatever comes before the first step."""
        self._hub, self._blocks, self._speed = hub, blocks, speed
        self._until_s = time.monotonic() + for_s if for_s is not None else float("inf")
        self._feeds: Mapping[str, Listener] = {}
        self._waiting = Waiting()
        self._placing: Collection[str] = ()
        self._calls: Callable[[], int] = int
        self._over: Callable[[], Awaitable[object]] = asyncio.Event().wait

    def follow(
        self, feeds: Mapping[str, Listener], waiting: Waiting, placing: Collection[str],
        calls: Callable[[], int], over: Callable[[], Awaitable[object]],
    ) -> None:
        """Whom to wait for. `placing`: orders whose fate the broker is finding out; `calls`: requests of the account
        that are not answered; `over` is awaited at the end, while the venues still answer."""
        self._feeds, self._waiting, self._placing = feeds, waiting, placing
        self._calls, self._over = calls, over

    async def run(self, inbox: Inbox) -> None:
        self._hub.quiesce = self.answered
        await self._until(lambda: all(feed.listening for feed in self._feeds.values()), LISTENING_S_MAX)
        started_s, first_ms = time.monotonic(), self._hub.now_ms
        for block in self._blocks:
            if self._speed and block.tick_ms is not None:
                due_s = (block.tick_ms - first_ms) / 1_000 / self._speed
                await asyncio.sleep(max(0.0, min(started_s + due_s, self._until_s) - time.monotonic()))
            if time.monotonic() >= self._until_s:
                break
            await self._step(block, inbox)
        await self._over()

    async def _step(self, block: EventBlock, inbox: Inbox) -> None:
        await self._hub.advance(block)
        for feed in self._feeds.values():
            feed.flush(inbox)
        if block.tick_ms is None:
            return
        inbox.put(EventBlock(tick_ms=block.tick_ms, lag_ms=0))
        tick_ms = block.tick_ms
        await self._until(lambda: self._waiting.tick_ms >= tick_ms, PATIENCE_S)
        if self._waiting.sent:
            self._waiting.sent = False
            await self.answered()
            await self._until(lambda: len(self._placing) <= self._hub.held, PATIENCE_S)

    async def answered(self) -> None:
        """Everything said has been heard, and every answer to it waits for market time or is done."""
        await self._hub.settle()
        until_s, calm = time.monotonic() + PATIENCE_S, 0
        while calm < _CALM_TURNS and time.monotonic() < until_s:
            await asyncio.sleep(_TURN_S)
            calm = calm + 1 if self._waiting.over and self._calls() <= self._hub.held else 0

    @staticmethod
    async def _until(true: Callable[[], bool], patience_s: float) -> None:
        until_s = time.monotonic() + patience_s
        while not true() and time.monotonic() < until_s:  # noqa: ASYNC110 -- a few turns of the loop
            await asyncio.sleep(_TURN_S)


def _nowhere(facts: tuple[Event, ...]) -> None:
    """Before anybody listens there is nothing to tell."""
    raise AssertionError(f"nobody listens to {facts}")


def hastened(speed: float) -> Callable[[str], VenueWire]:
    """How venues are listened to when market time runs `speed` times as fast: what is asked for again and again is
    asked for so much more often."""

    def wire(venue: str) -> VenueWire:
        table = wire_of(venue)
        factor = max(1.0, speed or 60.0)
        polls = tuple(
            msgspec.structs.replace(poll, period_ms=max(POLL_MS_MIN, round(poll.period_ms / factor)))
            for poll in table.polls
        )
        return msgspec.structs.replace(table, polls=polls)

    return wire
