"""The truth a map is scored against: every open position with its exact liquidation price."""

from typing import Final

import numpy as np

from liqbot.blocks import Rows
from paper.world.coin_market import WorldCoin
from paper.world.crowd import SIGNS

POSITIONS: Final = np.dtype(
    [("time_ms", "<i8"), ("venue", "<i2"), ("coin", "<i2"), ("side", "i1"), ("leverage", "<f8"),
     ("entry_price", "<f8"), ("liquidation_price", "<f8"), ("size_usd", "<f8")]
)  # fmt: skip
"""`size_usd` is valued at the venue's mark. Makers' hedged holdings appear as one unleveraged position per venue and
side, entered at the mark, with a liquidation price that no market reaches."""

_NEVER_BELOW: Final = 1e-4
_NEVER_ABOVE: Final = 1e4


def true_positions(market: WorldCoin, now_ms: int, coin: int) -> Rows:
    """All positions of one coin now, the crowd's first; per venue longs add up to shorts, and both to open interest."""
    return np.concatenate((_crowd(market, now_ms, coin), _makers(market, now_ms, coin)))


def _crowd(market: WorldCoin, now_ms: int, coin: int) -> Rows:
    crowd = market.crowd
    slots = crowd.open_slots()
    rows = np.empty(len(slots), POSITIONS)
    rows["time_ms"], rows["coin"], rows["venue"] = now_ms, coin, crowd.venue[slots]
    rows["side"], rows["leverage"] = crowd.signs_of(slots), crowd.leverage[slots]
    rows["entry_price"], rows["liquidation_price"] = crowd.entry_price[slots], crowd.liquidation_price[slots]
    rows["size_usd"] = crowd.quantity_base[slots] * market.mark[crowd.venue[slots]]
    return rows


def _makers(market: WorldCoin, now_ms: int, coin: int) -> Rows:
    held = market.makers.held_base * market.mark
    count = held.shape[1]
    rows = np.empty(2 * count, POSITIONS)
    rows["time_ms"], rows["coin"], rows["leverage"] = now_ms, coin, 1.0
    rows["venue"] = np.tile(np.arange(count), 2)
    rows["side"] = np.repeat(SIGNS, count)
    rows["entry_price"] = np.tile(market.mark, 2)
    rows["liquidation_price"] = rows["entry_price"] * np.repeat([_NEVER_BELOW, _NEVER_ABOVE], count)
    rows["size_usd"] = held.ravel()
    return rows[rows["size_usd"] > 0]
