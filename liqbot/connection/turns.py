"""`Turns`: what waits on sockets is handled in short slices, socket after socket, and the loop goes round between.

A socket hands over all that it has received at once. Handled without a pause, a burst of one venue would keep every
other one, the house's step and its orders waiting for as long as the burst takes.
"""

import asyncio
import time
import weakref
from collections import deque
from collections.abc import Callable
from typing import Any, Final

TURN_S: Final = 0.004
"""What all sockets together handle in one turn of the loop, about."""
SHARE_S: Final = 0.001
"""What one of them handles before the next one has its share."""
WAITED_S: Final = 0.00005
"""A message that came after longer than this was waited for: others had their turn meanwhile."""
Work = Callable[[float], bool]
"""Handles what waits, at least one message, until a time of `perf_counter`; says whether more is there."""

_OF: "weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Turns]" = weakref.WeakKeyDictionary()


class Turns:
    """Of one event loop; `turns_here` finds it. Whoever waits longest goes first."""

    def __init__(self) -> None:
        self._waiting: deque[Work | asyncio.Future[float]] = deque()
        self._serving = False

    def enter(self, work: Work) -> None:
        """It is called in turn until it says that nothing more is there."""
        self._wait(work)

    async def turn(self) -> float:
        """Until it is the caller's turn: the time of `perf_counter` at which that is over."""
        future: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        self._wait(future)
        return await future

    def _wait(self, one: "Work | asyncio.Future[float]") -> None:
        self._waiting.append(one)
        if not self._serving:
            self._serving = True
            asyncio.get_running_loop().call_soon(self._serve)

    def _serve(self) -> None:
        over_s = time.perf_counter() + TURN_S
        try:
            for _ in range(len(self._waiting)):
                one = self._waiting.popleft()
                share_over_s = min(over_s, time.perf_counter() + SHARE_S)
                if isinstance(one, asyncio.Future):
                    if not one.done():
                        one.set_result(share_over_s)
                        over_s -= SHARE_S  # it takes its share later in this turn
                elif one(share_over_s):
                    self._waiting.append(one)
                if time.perf_counter() >= over_s:
                    break
        finally:
            self._serving = bool(self._waiting)
            if self._serving:
                asyncio.get_running_loop().call_soon(self._serve)


def turns_here() -> Turns:
    """Of the running loop."""
    loop = asyncio.get_running_loop()
    return _OF.setdefault(loop, Turns())


def read_in_turns(socket: Any, overhead_bytes: int) -> None:
    """A socket of the unified client, which drains its buffer without a pause, drains it in turns from now on.
    `overhead_bytes` is what the buffer counts for a message besides its text."""
    drained = socket.receive_loop

    def drain(until_s: float) -> bool:
        buffer = socket.buffer
        if not socket.closed() and buffer is not None:
            freed_bytes = 0
            while len(buffer) > 1:
                message, size_bytes = buffer.popleft()
                freed_bytes += size_bytes + overhead_bytes
                socket.handle_message(message)
                if time.perf_counter() >= until_s:
                    break
            if freed_bytes:
                # The queue beneath counts what it gives out itself: the last one carries what was taken past it.
                buffer[0] = (buffer[0][0], buffer[0][1] + freed_bytes)
            if len(buffer) > 1 and not socket.closed():
                return True
        drained()
        return False

    def receive_loop() -> None:
        buffer = socket.buffer
        if buffer and len(buffer) > 1 and not socket.closed():
            turns_here().enter(drain)
        else:
            drained()

    socket.receive_loop = receive_loop
