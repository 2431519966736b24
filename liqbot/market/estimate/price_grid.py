"""The price grid of the maps: one global table of edges 5 bp apart, and positions in it.

The table is made once by integer recursion, so that it is the same everywhere; prices are looked up in it, never put
through a logarithm. A *position* is a bin's index plus the fraction of that bin which lies below the price, so that a
price ratio becomes a constant shift of positions, up or down alike: fractions follow the logarithm of the price to
within 1e-8 of a bin, by a rational form that is odd about the bin's middle.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable
from functools import cache
from typing import Final

import numpy as np

from liqbot.market.estimate.kernels import HALF_BINS, Floats

BIN_BPS: Final = 5
PRICE_MIN: Final = 1e-6
PRICE_MAX: Final = 1e8
_UNIT: Final = 10**30
"""Integer ticks per USD: thirty digits, so that rounding down never reaches a float's last bit."""


@cache
def _ticks() -> tuple[list[float], int]:
    """Ascending edges as floats, and the index of the edge at exactly 1 USD."""
    below: list[int] = []
    tick = _UNIT
    while tick > PRICE_MIN * _UNIT:
        tick = tick * 10_000 // (10_000 + BIN_BPS)
        below.append(tick)
    above: list[int] = [_UNIT]
    while above[-1] < PRICE_MAX * _UNIT:
        above.append(above[-1] + above[-1] * BIN_BPS // 10_000)
    return [tick / _UNIT for tick in [*reversed(below), *above]], len(below)


@cache
def edges() -> Floats:
    """All edges, ascending, read-only. Slices of it are the `edges` of maps."""
    table = np.array(_ticks()[0])
    table.flags.writeable = False
    return table


def position_of(price: float) -> float:
    """Bin index and fraction of a price. Prices outside the table are a ValueError."""
    table, _ = _ticks()
    if not table[0] <= price < table[-1]:
        raise ValueError(f"price: {price!r} must lie between {PRICE_MIN:g} and {PRICE_MAX:g}")
    index = bisect_right(table, price) - 1
    middle, square = table[index] * table[index + 1], price * price
    return index + 0.5 + (square - middle) / (square + middle) * HALF_BINS


def positions_of(prices: Iterable[float]) -> list[float]:
    """`position_of` of each."""
    return [position_of(price) for price in prices]


def price_at(position: float) -> float:
    """Inverse of `position_of`; positions beyond the table give its ends."""
    table, _ = _ticks()
    if position <= 0:
        return table[0]
    index = int(position)
    if index > len(table) - 2:
        return table[-1]
    if position == index:
        return table[index]
    turn = (position - index - 0.5) / HALF_BINS
    return math.sqrt(table[index] * table[index + 1] * ((1.0 + turn) / (1.0 - turn)))


def shift_of(ratio: float) -> float:
    """Bins between a price and `ratio` times that price; NaN stays NaN."""
    return float("nan") if ratio != ratio else position_of(ratio) - _ticks()[1]
