"""A recording that runs until its journal holds what a test is about, and is stopped then as its user would."""

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from liqbot.blocks import EventBlock
from liqbot.control import protocol
from liqbot.journal import JournalReader
from liqbot.journal.errors import JournalError
from liqbot.places import journal_path
from tests.builders.patience import PATIENCE_S

Blocks = Sequence[EventBlock]
T = TypeVar("T")


async def until_recorded(recording: "asyncio.Task[T]", data: Path, enough: Callable[[Blocks], bool]) -> T:
    """What it comes to; its own error when it ends before."""
    async with asyncio.timeout(PATIENCE_S):
        while not enough(_blocks(data)):
            if recording.done():
                raise AssertionError(f"ended before there was enough: {recording.result()}")
            await asyncio.sleep(0.2)
        await asyncio.to_thread(protocol.request, data, {"verb": "stop"})
        return await recording


def _blocks(data: Path) -> Blocks:
    """None while the journal is being made."""
    with contextlib.suppress(JournalError), JournalReader(journal_path(data)) as reader:
        return list(reader.blocks())
    return ()


def market_steps(blocks: Blocks) -> int:
    """Clock steps in which something was traded."""
    return sum(block.tick_ms is not None and len(block.bars) > 0 for block in blocks)
