"""Poisoned future: change everything after a moment and see that nothing before it noticed."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec
import numpy as np

from liqbot.blocks import KINDS, EventBlock, Rows

PRICE_FACTOR: Final = 3.0
_PRICES: Final = {
    "bars": ("open", "high", "low", "close"),
    "liquidations": ("price",),
    "marks": ("mark_price", "index_price"),
    "tops": ("bid_price", "ask_price"),
}


class Peek(msgspec.Struct, frozen=True):
    """The first step that differs though its clock step ended before the poison."""

    index: int
    time_ms: int


def poisoned(blocks: Iterable[EventBlock], after_ms: int) -> Iterator[EventBlock]:
    """The same blocks, but rows later than `after_ms` have all prices times three and funding with its sign turned."""
    for block in blocks:
        if all(not len(block.rows(kind)) or block.rows(kind)["time_ms"].max() <= after_ms for kind in KINDS):
            yield block
            continue
        columns: dict[str, Any] = {kind: _poisoned(kind, block.rows(kind), after_ms) for kind in KINDS}
        yield EventBlock(
            **columns, facts=block.facts, tick_ms=block.tick_ms, backfilled=block.backfilled, lag_ms=block.lag_ms
        )


def _poisoned(kind: str, rows: Rows, after_ms: int) -> Rows:
    late = rows["time_ms"] > after_ms
    if not late.any():
        return rows
    changed = rows.copy()
    for name in _PRICES.get(kind, ()):
        changed[name] = np.where(late, rows[name] * PRICE_FACTOR, rows[name])
    if kind == "funding":
        changed["rate_pct"] = np.where(late, -rows["rate_pct"], rows["rate_pct"])
    return changed


def first_peek(clean: Iterable[tuple[int, bytes]], poison: Iterable[tuple[int, bytes]], after_ms: int) -> Peek | None:
    """Compare two runs step by step: (end of the clock step the engine was in, encoded Step). None: nobody peeked."""
    before = [[step for step in steps if step[0] <= after_ms] for steps in (clean, poison)]
    for index, (left, right) in enumerate(zip(*before, strict=False)):
        if left != right:
            return Peek(index, left[0])
    if len(before[0]) != len(before[1]):
        return Peek(min(len(before[0]), len(before[1])), after_ms)
    return None
