"""The truth a map is scored against: every open position with its exact liquidation price."""

from typing import Final

import numpy as np

from liqbot.blocks import Rows
from paper.world.crowd import SIGNS, Crowd
from paper.world.draws import Floats

POSITIONS: Final = np.dtype(
    [("time_ms", "<i8"), ("venue", "<i2"), ("coin", "<i2"), ("side", "i1"), ("leverage", "<f8"),
     ("entry_price", "<f8"), ("liquidation_price", "<f8"), ("size_usd", "<f8")]
)  # fmt: skip
"""`size_usd` is valued at the venue's mark. Makers' hedged holdings appear as one unleveraged position per venue and
side, entered at the mark, with a liquidation price that no market reaches."""

_NEVER_BELOW: Final = 1e-4
_NEVER_ABOVE: Final = 1e4


def true_positions(crowd: Crowd, held_base: Floats, mark: Floats, now_ms: int, coin: int) -> Rows:
    """All positions of one coin now, the crowd's first; per venue longs add up to shorts, and both to open interest.

    `held_base` [side, venue] is what makers hold, `mark` [venue]."""
    return np.concatenate((_leveraged(crowd, mark, now_ms, coin), _hedged(held_base, mark, now_ms, coin)))


def _leveraged(crowd: Crowd, mark: Floats, now_ms: int, coin: int) -> Rows:
    slots = crowd.open_slots()
    rows = np.empty(len(slots), POSITIONS)
    rows["time_ms"], rows["coin"], rows["venue"] = now_ms, coin, crowd.venue[slots]
    rows["side"], rows["leverage"] = crowd.signs_of(slots), crowd.leverage[slots]
    rows["entry_price"], rows["liquidation_price"] = crowd.entry_price[slots], crowd.liquidation_price[slots]
    rows["size_usd"] = crowd.quantity_base[slots] * mark[crowd.venue[slots]]
    return rows


def _hedged(held_base: Floats, mark: Floats, now_ms: int, coin: int) -> Rows:
    held = held_base * mark
    count = held.shape[1]
    rows = np.empty(2 * count, POSITIONS)
    rows["time_ms"], rows["coin"], rows["leverage"] = now_ms, coin, 1.0
    rows["venue"] = np.tile(np.arange(count), 2)
    rows["side"] = np.repeat(SIGNS, count)
    rows["entry_price"] = np.tile(mark, 2)
    rows["liquidation_price"] = rows["entry_price"] * np.repeat([_NEVER_BELOW, _NEVER_ABOVE], count)
    rows["size_usd"] = held.ravel()
    return rows[rows["size_usd"] > 0]
