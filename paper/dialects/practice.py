"""The market of a venue's test access beside production's: the same blocks at a ratio, with accounts of its own.

What is asked of a test host, or with the header by which the demo is meant at a shared one, is answered from here;
everything else from production.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

import msgspec
import numpy as np

from liqbot.blocks import KINDS, EventBlock, block_of
from paper.dialects.dialect import Dialect
from paper.dialects.hub import Hub

_PRICED: Final = frozenset(
    ("open", "high", "low", "close", "volume_usd", "buy_usd", "sell_usd", "price", "size_usd", "long_usd", "short_usd",
     "oi_usd", "mark_price", "index_price", "bid_price", "ask_price")
)
"""Columns in dollars: of a coin as many are traded and held in either market."""


class PracticeMarket:
    """Follows a production hub; `ratio`, practice over production, may be changed at any time."""

    def __init__(self, production: Hub, ratio: float) -> None:
        """ValueError for a ratio that is none."""
        if not 0.0 < ratio < 1e3:
            raise ValueError(f"ratio: {ratio:g} must be positive, as in 1.02")
        self.ratio = ratio
        self.hub = Hub(production.roster, production.instruments, production.paper, production.params)
        known = [row for venue in production.roster.venues for row in production.tickers.summary(venue)]
        if known:
            self.warm(block_of(known, production.roster, tick_ms=production.now_ms))
        production.followers.append(self)

    def warm(self, block: EventBlock) -> None:
        self.hub.warm([at_ratio(block, self.ratio)])

    async def advance(self, block: EventBlock) -> None:
        await self.hub.advance(at_ratio(block, self.ratio))

    def pace(self, speed: float) -> None:
        self.hub.pace(speed)


def at_ratio(block: EventBlock, ratio: float) -> EventBlock:
    """The same block at other prices."""
    changed: dict[str, Any] = {}
    for kind in KINDS:
        rows = block.rows(kind)
        columns = [name for name in rows.dtype.names or () if name in _PRICED]
        if len(rows) and columns:
            scaled = np.array(rows)
            for name in columns:
                scaled[name] *= ratio
            changed[kind] = scaled
    return msgspec.structs.replace(block, **changed)


def both_markets(
    production: Hub, practice: Hub, spoken: Callable[[Hub], Iterable[Dialect]]
) -> list[Dialect]:
    """The dialects of either market, each answering for its own."""
    found: list[Dialect] = []
    for hub, meant in ((production, False), (practice, True)):
        for dialect in spoken(hub):
            dialect.practice = meant
            found.append(dialect)
    return found
