"""Between feeds and a loop: what feeds put into the inbox is processed in order, until they end or are stopped."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, Protocol

from liqbot.blocks import EventBlock
from liqbot.runtime.inbox import Inbox

Work = Callable[[], Coroutine[Any, Any, None]]


class Feed(Protocol):
    """Fills the inbox until cancelled or out of facts."""

    async def run(self, inbox: Inbox) -> None: ...


async def pump(
    inbox: Inbox, consume: Work, feeds: Sequence[Feed], stop: asyncio.Event, *, beside: Work | None = None
) -> None:
    """Until `stop` is set or every feed has ended; what waits is still consumed. `consume` takes from the inbox until
    that is closed and empty; `beside` works as long. Errors of any task are raised."""
    async with asyncio.TaskGroup() as group:
        helping = [group.create_task(beside())] if beside is not None else []
        consuming = group.create_task(consume())
        running = [group.create_task(feed.run(inbox)) for feed in feeds]
        stopped = group.create_task(stop.wait())
        ended = group.create_task(asyncio.wait(running))
        await asyncio.wait((stopped, ended), return_when=asyncio.FIRST_COMPLETED)
        for task in (*running, stopped, ended):
            task.cancel()
        inbox.close()
        await asyncio.wait((consuming,))
        for task in helping:
            task.cancel()


async def each(inbox: Inbox, process: Callable[[EventBlock], Awaitable[object]]) -> None:
    """The plainest way to consume: one block after the other."""
    while (block := await inbox.take()) is not None:
        await process(block)


class Watched:
    """A feed whose error ends the house in order instead of at once."""

    def __init__(self, feed: Feed, failed: Callable[[BaseException], None]) -> None:
        self._feed, self._failed = feed, failed

    async def run(self, inbox: Inbox) -> None:
        if (error := await error_of(self._feed, inbox)) is not None:
            self._failed(error)


async def error_of(feed: Feed, inbox: Inbox) -> BaseException | None:
    """Runs it to its end; what it ended of, None when in order. Cancelled with whoever waits."""
    task = asyncio.create_task(feed.run(inbox))
    try:
        await asyncio.wait((task,))
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait((task,))
    return task.exception()
