"""A simulated house behind an inbox: control commands and a paced market reach it the way they reach a real one."""

import asyncio
from collections.abc import Sequence

from liqbot.blocks import EventBlock
from liqbot.engine import Step
from liqbot.runtime.inbox import Inbox
from liqbot.runtime.pump import Feed, each, pump
from paper.sessions.sim_loop import SimLoop


class InboxSimLoop:
    """What `RunningHouse` drives. A feed of the same event loop may step `sim` itself."""

    def __init__(self, sim: SimLoop, inbox: Inbox) -> None:
        self.sim, self._inbox = sim, inbox

    async def run(self, feeds: Sequence[Feed], stop: asyncio.Event) -> None:
        """Until `stop` is set or every feed has ended."""
        await pump(self._inbox, lambda: each(self._inbox, self.process), feeds, stop)

    @property
    def steps_waiting(self) -> int:
        """None ever: a step ends with the disk's answer."""
        return 0

    def enter_nothing(self) -> None:
        """Nothing ever waits here: what was decided has left."""

    async def process(self, block: EventBlock) -> Step:
        if block.tick_ms is None and not block.market_rows:
            return self.sim.tell(block.facts)  # nothing that the exchange could fill an order from
        return self.sim.step(block)
