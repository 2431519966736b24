"""Waiting for what a command was about to come about."""

import asyncio
from collections.abc import Callable
from typing import Final

_LOOK_S: Final = 0.05


async def until(true: Callable[[], bool], wait_s: float) -> bool:
    """Whether it came true in that time. The fact that brings it about has just been put into the inbox."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + wait_s
    await asyncio.sleep(2 * _LOOK_S)
    while not true():
        if loop.time() >= until_s:
            return False
        await asyncio.sleep(_LOOK_S)
    return True
