"""The bounded door between the edges and the engine: parts of clock steps wait here, one step is taken at a time.

When it is full, trade bars of one venue merge and marks keep the newest; forced orders, settlements of funding and
account facts never drop.
"""

import asyncio
from collections import deque
from typing import Final

import msgspec
import numpy as np

from liqbot.blocks import EventBlock, Rows, joined, stage_of
from liqbot.market.observed.settlements import settlement_ms

ROWS_MAX: Final = 50_000
STEPS_MAX: Final = 120
# Kinds of which only the newest row per venue and coin matters once the inbox is full.
_NEWEST: Final = ("marks", "open_interest", "tops")


class Inbox:
    """Filled by edges on the event loop, emptied by one consumer."""

    def __init__(self, *, rows_max: int = ROWS_MAX, steps_max: int = STEPS_MAX) -> None:
        self._rows_max, self._steps_max = rows_max, steps_max
        self._closed: deque[EventBlock] = deque()
        self._open: list[EventBlock] = []
        self._open_rows = 0
        self._waiting = asyncio.Event()
        self._ended = False
        self.merged_rows = 0
        """Rows that were folded into others because the inbox was full."""

    def put(self, part: EventBlock) -> None:
        """Add a part of the current clock step; a part with a Tick completes it. Never blocks, never refuses."""
        self._open.append(part)
        self._open_rows += part.market_rows
        if part.tick_ms is not None:
            self._closed.append(joined(self._open))
            self._open, self._open_rows = [], 0
            if len(self._closed) > self._steps_max:
                self._merge_oldest_steps()
        elif self._open_rows > self._rows_max:
            self._open = [self._merge_rows(joined(self._open))]
            self._open_rows = self._open[0].market_rows
        self._waiting.set()

    def close(self) -> None:
        """Nothing more will come: `take` hands out what waits and then returns None."""
        self._ended = True
        self._waiting.set()

    async def take(self) -> EventBlock | None:
        """The oldest complete step; else, when account or control facts wait in the open step, those facts alone.
        None once the inbox is closed and empty."""
        while True:
            if self._closed:
                return self._closed.popleft()
            facts = tuple(fact for part in self._open for fact in part.facts)
            if facts:
                self._open = [_without_facts(part) for part in self._open]
                return EventBlock(facts=facts)
            if self._ended:
                return None
            self._waiting.clear()
            await self._waiting.wait()

    @property
    def empty(self) -> bool:
        """Neither a complete step nor a fact waits to be taken."""
        return not self._closed and not any(part.facts for part in self._open)

    @property
    def steps_waiting(self) -> int:
        return len(self._closed)

    def _merge_oldest_steps(self) -> None:
        first, second = self._closed.popleft(), self._closed.popleft()
        self._closed.appendleft(self._merge_rows(joined([_without_tick(first), second])))

    def _merge_rows(self, block: EventBlock) -> EventBlock:
        before = block.market_rows
        fewer = {kind: _newest(block.rows(kind)) for kind in _NEWEST}
        fewer |= {"bars": _merged_bars(block.bars), "funding": _merged_rates(block.funding)}
        merged = msgspec.structs.replace(block, **fewer)
        self.merged_rows += before - merged.market_rows
        return merged


def _without_tick(block: EventBlock) -> EventBlock:
    return msgspec.structs.replace(block, tick_ms=None)


def _without_facts(block: EventBlock) -> EventBlock:
    return msgspec.structs.replace(block, facts=())


def _groups(rows: Rows) -> list[Rows]:
    keys = rows["venue"].astype(np.int64) << 16 | rows["coin"]
    _, first = np.unique(keys, return_index=True)
    return [rows[keys == keys[index]] for index in np.sort(first)]


def _newest(rows: Rows) -> Rows:
    return np.array([group[-1] for group in _groups(rows)], rows.dtype)


def _merged_rates(rows: Rows) -> Rows:
    """Every settlement once, as received first: each is money. Of forecasts the newest per venue and coin."""
    kept: dict[tuple[int, ...], int] = {}
    for place, (time_ms, venue, coin, _, interval_h, stored_stage) in enumerate(rows.tolist()):
        settled_ms = settlement_ms(time_ms, interval_h, stage_of(stored_stage))
        if settled_ms is None:
            kept[venue, coin] = place
        else:
            kept.setdefault((venue, coin, settled_ms), place)
    fewer: Rows = rows[sorted(kept.values())]
    return fewer


def _merged_bars(rows: Rows) -> Rows:
    return np.array([_merged_bar(group) for group in _groups(rows)], rows.dtype)


def _merged_bar(group: Rows) -> np.void:
    bar: np.void = group[-1].copy()
    bar["open"], bar["high"], bar["low"] = group["open"][0], group["high"].max(), group["low"].min()
    for name in ("span_ms", "volume_usd", "buy_usd", "sell_usd"):
        bar[name] = group[name].sum()
    return bar
