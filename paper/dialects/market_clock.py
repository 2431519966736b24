"""The served market's time brought to the present, so that a client that asks `since` an hour ago gets that hour."""

import itertools
from collections.abc import Iterable, Iterator

import msgspec
import numpy as np

from liqbot.blocks import KINDS, EventBlock, Rows
from paper.dialects.hub import Hub, end_ms


def shifted(blocks: Iterable[EventBlock], until_ms: int) -> Iterator[EventBlock]:
    """The same blocks with the end of the first one at `until_ms`; they keep their distances."""
    coming = iter(blocks)
    first = next(coming, None)
    if first is None:
        return
    by_ms = until_ms - end_ms(first, 0)
    for block in itertools.chain([first], coming):
        yield _moved(block, by_ms)


def _moved(block: EventBlock, by_ms: int) -> EventBlock:
    rows = {kind: _later(block.rows(kind), by_ms) for kind in KINDS if len(block.rows(kind))}
    tick_ms = None if block.tick_ms is None else block.tick_ms + by_ms
    return msgspec.structs.replace(block, **rows, tick_ms=tick_ms)


def _later(rows: Rows, by_ms: int) -> Rows:
    moved = np.array(rows)
    moved["time_ms"] += by_ms
    return moved


def caught_up(hub: Hub, blocks: Iterable[EventBlock], now_ms: int) -> Iterator[EventBlock]:
    """What comes after `now_ms`; all before it is history, known to the hub and never streamed."""
    coming = iter(blocks)
    for block in coming:
        if end_ms(block, hub.now_ms) > now_ms:
            return itertools.chain([block], coming)
        hub.warm([block])
    return coming
