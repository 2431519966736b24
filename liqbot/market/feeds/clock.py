"""The Tick grid of a live house: one clock step a second, whatever the feeds do."""

import asyncio
from typing import Final

from liqbot.blocks import EventBlock
from liqbot.market.feeds.ports import NO_RAW_SINK, Clock, RawSink, Sink

STEP_MS: Final = 1_000


class TickClock:
    """Completes a step at every multiple of `step_ms`. Steps that were slept through are not made up for: one Tick says
    what time it is now, and `lag_ms` how late it comes. A clock set back never stops the Ticks, nor turns them back."""

    def __init__(self, clock: Clock, step_ms: int = STEP_MS, raw: RawSink = NO_RAW_SINK) -> None:
        self._clock, self._step_ms, self._raw = clock, step_ms, raw
        self.tick_ms = 0
        self.skipped = 0
        """Steps that were slept through."""

    async def run(self, inbox: Sink) -> None:
        self.tick_ms = self._clock() // self._step_ms * self._step_ms
        while True:
            await asyncio.sleep(self._pause_s())
            step = self.next_step(inbox.steps_waiting)
            self._raw.ticked(self.tick_ms, step.lag_ms, self._clock())
            inbox.put(step)

    def next_step(self, steps_waiting: int) -> EventBlock:
        """The Tick that is due now. Lag: how late it is itself, and the steps before it that nobody has taken."""
        now_ms = self._clock()
        due_ms = self.tick_ms + self._step_ms
        tick_ms = max(due_ms, now_ms // self._step_ms * self._step_ms)
        self.skipped += (tick_ms - due_ms) // self._step_ms
        self.tick_ms = tick_ms
        late_ms = max(0, now_ms - due_ms)
        return EventBlock(tick_ms=tick_ms, lag_ms=late_ms + steps_waiting * self._step_ms)

    def _pause_s(self) -> float:
        """Until the next multiple; at most one step, also when the clock was set back."""
        ahead_ms = self.tick_ms + self._step_ms - self._clock()
        return min(max(ahead_ms, 0), self._step_ms) / 1_000
