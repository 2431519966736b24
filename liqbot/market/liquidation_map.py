"""`LiquidationMap`: USD that would be force-closed at each price, by side of the position. An estimate, always."""

import msgspec
import numpy as np
import numpy.typing as npt

from liqbot.instruments import Side

Floats = npt.NDArray[np.float64]


class LiquidationMap(msgspec.Struct, frozen=True, eq=False):
    """One coin's map, aggregated in distance from each venue's own mark and drawn at `mark_price`.

    `edges` are n + 1 ascending prices (5 bp apart); `long_usd[i]`, `short_usd[i]` lie in edges[i]..edges[i+1].
    """

    coin: str
    as_of_ms: int
    mark_price: float
    edges: Floats
    long_usd: Floats
    short_usd: Floats

    def usd(self, side: Side) -> Floats:
        return self.long_usd if side is Side.LONG else self.short_usd
