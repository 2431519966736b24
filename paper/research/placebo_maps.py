"""Maps that know nothing of now: the real one as it was two days ago, and its mirror image around the mark.

Everything that reads a map (clusters, thin zones, sweeps, what usually stands out) reads the placebo instead. Prices,
volume, open interest and funding stay as they are, and so does what is learnt of positions. A strategy that does as
well on one of these did not need the map.
"""

from collections import deque
from typing import Any, Final

import msgspec
import numpy as np

from liqbot.market.coin import CoinMarket
from liqbot.market.map.history import MapHistory
from liqbot.market.map.liquidation_map import LiquidationMap

STALE_MS: Final = 48 * 3_600_000
_KEPT_EVERY_MS: Final = 900_000


def mirrored_map(drawn: LiquidationMap) -> LiquidationMap:
    """Around its mark in log price: what lay 3 % below lies as far above. Longs become shorts."""
    middle = drawn.mark_price * drawn.mark_price
    measured = drawn.measured_usd
    return msgspec.structs.replace(
        drawn, edges=(middle / drawn.edges)[::-1], long_usd=drawn.short_usd[::-1], short_usd=drawn.long_usd[::-1],
        measured_usd=None if measured is None else measured[::-1],
    )  # fmt: skip


def redrawn_map(old: LiquidationMap, now: LiquidationMap) -> LiquidationMap:
    """An old map at its own prices around today's mark: what would lie on the wrong side of it is left out."""
    longs = np.where(old.edges[1:] <= now.mark_price, old.long_usd, 0.0)
    shorts = np.where(old.edges[:-1] >= now.mark_price, old.short_usd, 0.0)
    return msgspec.structs.replace(old, as_of_ms=now.as_of_ms, mark_price=now.mark_price, long_usd=longs,
                                   short_usd=shorts, measured_usd=None)  # fmt: skip


def empty_map(now: LiquidationMap) -> LiquidationMap:
    nothing = np.zeros_like(now.long_usd)
    return msgspec.structs.replace(now, long_usd=nothing, short_usd=nothing, measured_usd=None)


class MirroredCoin(CoinMarket):
    """Sees the mirror image of its map."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.history = _Mirrored(self.coin, self.params.history)

    def map_of(self, *given: Any, **named: Any) -> LiquidationMap:
        return mirrored_map(super().map_of(*given, **named))


class StaleCoin(CoinMarket):
    """Sees its map as it was two days ago; nothing before there is one."""

    def __init__(self, *given: Any) -> None:
        super().__init__(*given)
        self.history = _Stale(self.coin, self.params.history)
        self._kept: deque[LiquidationMap] = deque()

    def map_of(self, *given: Any, **named: Any) -> LiquidationMap:
        now = super().map_of(*given, **named)
        kept = self._kept
        if not kept or now.as_of_ms >= kept[-1].as_of_ms + _KEPT_EVERY_MS:
            kept.append(now)
        while len(kept) > 1 and kept[1].as_of_ms <= now.as_of_ms - STALE_MS:
            kept.popleft()
        return redrawn_map(kept[0], now) if kept[0].as_of_ms <= now.as_of_ms - STALE_MS else empty_map(now)


class _Mirrored(MapHistory):
    def at(self, time_ms: int) -> LiquidationMap | None:
        found = super().at(time_ms)
        return None if found is None else mirrored_map(found)


class _Stale(MapHistory):
    def at(self, time_ms: int) -> LiquidationMap | None:
        old, now = super().at(time_ms - STALE_MS), super().at(time_ms)
        return None if old is None or now is None else redrawn_map(old, now)
