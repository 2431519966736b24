"""`MapHistory`: the map of one coin as it was, evenly thinned and bounded, for drift and for a heatmap over time."""

from typing import Any, Final

import numpy as np

from liqbot.instruments import Side
from liqbot.market.estimate.array_state import packed, unpacked
from liqbot.market.estimate.kernels import LONG, SHORT, Floats
from liqbot.market.forecast.forecast import BINS, edge_prices, outward
from liqbot.market.map.liquidation_map import LiquidationMap
from liqbot.market.params import HistoryParams

_SIDES: Final = (Side.LONG, Side.SHORT)


class MapHistory:
    """Each side is kept from its mark outward, in bins of 20 bp, 20 % far."""

    def __init__(self, coin: str, params: HistoryParams) -> None:
        self._coin, self._params = coin, params
        self._times: list[int] = []
        self._marks: list[tuple[float, float]] = []
        """Price, and position in the price grid."""
        self._usd: list[np.ndarray[Any, np.dtype[np.float32]]] = []

    def due(self, now_ms: int) -> bool:
        return not self._times or now_ms >= self._times[-1] + self._params.step_ms

    def add(self, now_ms: int, mark_price: float, position: float, first: float, usd: tuple[Floats, Floats]) -> None:
        """`usd` (longs, shorts) per grid bin, beginning at position `first`."""
        kept = np.stack([outward(usd[side], first, position, side) for side in (LONG, SHORT)])
        self._times.append(now_ms)
        self._marks.append((mark_price, position))
        self._usd.append(kept.astype(np.float32))
        if len(self._times) > self._params.kept:
            del self._times[0], self._marks[0], self._usd[0]

    def maps(self) -> tuple[LiquidationMap, ...]:
        """Oldest first."""
        return tuple(self._map(index) for index in range(len(self._times)))

    def at(self, time_ms: int) -> LiquidationMap | None:
        """The newest map that is at least as old as `time_ms`; None where history does not reach back."""
        older = [index for index, kept_ms in enumerate(self._times) if kept_ms <= time_ms]
        return self._map(older[-1]) if older else None

    def _map(self, index: int) -> LiquidationMap:
        mark_price, position = self._marks[index]
        edges = np.array(edge_prices(position))
        longs, shorts = self._usd[index].astype(np.float64)
        empty = np.zeros(BINS)
        return LiquidationMap(
            self._coin, self._times[index], mark_price, edges,
            np.concatenate([longs[::-1], empty]), np.concatenate([empty, shorts]),
        )

    def state(self) -> dict[str, Any]:
        return {
            "times": list(self._times),
            "marks": [list(mark) for mark in self._marks],
            "usd": [packed(usd) for usd in self._usd],
        }

    def load_state(self, state: dict[str, Any]) -> None:
        self._times = list(state["times"])
        self._marks = [(price, position) for price, position in state["marks"]]
        self._usd = [unpacked(usd) for usd in state["usd"]]
