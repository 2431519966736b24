"""The same market at other prices: what a venue's test access has beside production."""

from typing import Any, Final

import msgspec
import numpy as np

from liqbot.blocks import KINDS, EventBlock

_PRICED: Final = frozenset(
    ("open", "high", "low", "close", "volume_usd", "buy_usd", "sell_usd", "price", "size_usd", "long_usd", "short_usd",
     "oi_usd", "mark_price", "index_price", "bid_price", "ask_price")
)
"""Columns in dollars: of a coin as many are traded and held in either market."""


def at_ratio(block: EventBlock, ratio: float) -> EventBlock:
    """The same block with every price and every amount of dollars times `ratio`."""
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
