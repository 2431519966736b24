"""Waiting for what a test means, under one limit: far beyond what a busy machine takes, so that only what would hang
for ever fails by it. A test says what it waits for; how long that takes says something about the machine alone."""

import asyncio
import os
import time
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

PATIENCE_S: Final = float(os.environ.get("TEST_PATIENCE_S", "240"))
T = TypeVar("T")


async def until(true: Callable[[], object], what: str = "it came true") -> None:
    """AssertionError once patience is at its end."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + PATIENCE_S
    while not true():
        assert loop.time() < until_s, f"never: {what}"
        await asyncio.sleep(0.01)


async def patiently(work: Awaitable[T]) -> T:
    """What it comes to; TimeoutError once patience is at its end."""
    return await asyncio.wait_for(work, PATIENCE_S)


def until_elsewhere(true: Callable[[], object], what: str = "it came true") -> None:
    """As `until`, of another thread or process, where no loop runs."""
    until_s = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < until_s, f"never: {what}"
        time.sleep(0.01)
