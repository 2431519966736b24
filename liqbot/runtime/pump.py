"""Between feeds and a loop: what feeds put into the inbox is processed in order, until they end or are stopped."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from liqbot.blocks import EventBlock
from liqbot.runtime.inbox import Inbox

Process = Callable[[EventBlock], Awaitable[object]]


class Feed(Protocol):
    """Fills the inbox until cancelled or out of facts."""

    async def run(self, inbox: Inbox) -> None: ...


async def pump(inbox: Inbox, process: Process, feeds: Sequence[Feed], stop: asyncio.Event) -> None:
    """Until `stop` is set or every feed has ended; what waits is still processed. Errors of any task are raised."""
    async with asyncio.TaskGroup() as group:
        group.create_task(_consume(inbox, process))
        running = [group.create_task(feed.run(inbox)) for feed in feeds]
        stopped = group.create_task(stop.wait())
        ended = group.create_task(asyncio.wait(running))
        await asyncio.wait((stopped, ended), return_when=asyncio.FIRST_COMPLETED)
        for task in (*running, stopped, ended):
            task.cancel()
        inbox.close()


async def _consume(inbox: Inbox, process: Process) -> None:
    while (block := await inbox.take()) is not None:
        await process(block)
