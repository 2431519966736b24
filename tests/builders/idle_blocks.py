"""Clock steps that carry nothing new, put between those of a market."""

import random
from collections.abc import Iterable, Iterator

import numpy as np

from liqbot.blocks import EventBlock, Rows

REPEATED = ("funding", "open_interest")


def with_idle_blocks(blocks: Iterable[EventBlock], seed: int, most: int = 3) -> Iterator[EventBlock]:
    """Between two blocks up to `most` more: empty Ticks, the newest funding rates and open interest once again."""
    chance = random.Random(seed)
    newest: dict[str, dict[tuple[int, int], Rows]] = {kind: {} for kind in REPEATED}
    before: EventBlock | None = None
    for block in blocks:
        if before is not None and before.tick_ms is not None and block.tick_ms is not None:
            room = range(before.tick_ms + 1, block.tick_ms)
            for tick_ms in sorted(chance.sample(room, min(len(room), chance.randint(0, most)))):
                again = {kind: _again(chance, list(rows.values()), tick_ms) for kind, rows in newest.items() if rows}
                yield EventBlock(**again, tick_ms=tick_ms, backfilled=block.backfilled)
        for kind in REPEATED:
            for row in block.rows(kind):
                newest[kind][row["venue"].item(), row["coin"].item()] = row
        yield block
        before = block


def _again(chance: random.Random, newest: list[Rows], tick_ms: int) -> Rows:
    rows: Rows = np.array(newest)[sorted(chance.sample(range(len(newest)), chance.randint(0, len(newest))))]
    rows["time_ms"] = tick_ms
    return rows
