"""Max pain: what the way to each price would force-close, longs plus shorts, and where most of a side lies close
together. Of a map's bins; USD is the map's estimate."""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
import numpy as np

from liqbot.instruments import Side
from liqbot.market.map.liquidation_map import Floats

WINDOW_PCT: Final = 0.5
"""A level is so much of price wide: the most of a side that lies within it is its max pain."""
SIDE_USD: Final = {Side.LONG: "long_usd", Side.SHORT: "short_usd"}


class PainLevel(msgspec.Struct, frozen=True):
    """A price with USD. `distance_pct` is signed, from the mark."""

    price: float
    usd: float
    distance_pct: float


class MaxPain(msgspec.Struct, frozen=True):
    """Within the reach that was asked for. `long_usd[i]` and `short_usd[i]` would be closed by the time price is at
    `prices[i]`, which ascend."""

    mark_price: float
    prices: Floats
    long_usd: Floats
    short_usd: Floats
    least: PainLevel
    """The price at which longs and shorts together lose least: where nothing moves, as a rule."""
    greatest: PainLevel
    long_level: PainLevel | None
    """Where most longs lie close together; the middle of the window. None where there are none in reach."""
    short_level: PainLevel | None

    def figures(self) -> dict[str, Any]:
        """Without the curves, for JSON."""
        names = ("mark_price", "least", "greatest", "long_level", "short_level")
        return {name: msgspec.to_builtins(getattr(self, name)) for name in names}


def max_pain(bins: Mapping[str, Any], mark_price: float, reach_pct: float) -> MaxPain:
    """`bins`: `{edges, long_usd, short_usd}` as maps are kept, n + 1 ascending edges. What a way to a price closes is
    what would have been liquidated before it: longs at that price and above, shorts at that price and below."""
    edges = np.array(bins["edges"], float)
    low, high = mark_price * (1 - reach_pct / 100), mark_price * (1 + reach_pct / 100)
    prices = np.unique(np.concatenate([[low, mark_price, high], edges[(edges > low) & (edges < high)]]))
    below = {side: np.concatenate([[0.0], np.cumsum(np.array(bins[name], float))]) for side, name in SIDE_USD.items()}
    long_usd = below[Side.LONG][-1] - np.interp(prices, edges, below[Side.LONG])
    short_usd = np.interp(prices, edges, below[Side.SHORT])
    both = long_usd + short_usd

    def level(price: float, usd: float) -> PainLevel:
        return PainLevel(float(price), float(usd), float((price / mark_price - 1) * 100))

    def densest(side: Side) -> PainLevel | None:
        starts = prices[prices * (1 + WINDOW_PCT / 100) <= high]
        usd = np.interp(starts * (1 + WINDOW_PCT / 100), edges, below[side]) - np.interp(starts, edges, below[side])
        place = int(usd.argmax()) if usd.size else 0
        return level(starts[place] * (1 + WINDOW_PCT / 200), usd[place]) if usd.size and usd[place] > 0 else None

    least, greatest = int(both.argmin()), int(both.argmax())
    return MaxPain(
        mark_price, prices, long_usd, short_usd, level(prices[least], both[least]),
        level(prices[greatest], both[greatest]), densest(Side.LONG), densest(Side.SHORT),
    )
