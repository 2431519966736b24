"""Maps in the ledger: what is kept of one, and how dense it is at a price."""

import bisect
import math
from decimal import Decimal
from typing import Any, Final

import numpy as np

from liqbot.blocks import Rows
from liqbot.instruments import Side
from liqbot.ledger.pending_rows import PendingRows
from liqbot.ledger.state import LedgerState
from liqbot.market.map.liquidation_map import Floats, LiquidationMap
from liqbot.market.record import forecast_record
from liqbot.market.view import MarketView

_BINS_TOGETHER: Final = 4
_KEPT_PCT: Final = 25.0


class MapBook:
    """The newest map of each coin; after a restart it comes from the observations that are fed again."""

    def __init__(self, state: LedgerState, pending: PendingRows, every_ms: int) -> None:
        self._state, self._pending, self._every_ms = state, pending, every_ms
        self._newest: dict[str, MarketView] = {}

    def newest(self, coin: str) -> LiquidationMap | None:
        """As of the last tick; None before the first."""
        view = self._newest.get(coin)
        return None if view is None else view.map

    def remember(self, views: tuple[MarketView, ...]) -> None:
        """Maps of an observation whose rows are there already."""
        for view in views:
            self._newest[view.coin] = view

    def see(self, seq: int, views: tuple[MarketView, ...]) -> None:
        """New maps; one that is due is written."""
        self.remember(views)
        for view in views:
            self._state.marks[view.coin] = view.map.mark_price
            if not view.backfilled and self.due(view.coin, view.time_ms):
                self.write(seq, view.coin, "periodic")

    def due(self, coin: str, time_ms: int) -> bool:
        """Whether the last map written of a coin is old enough for a new one. May be asked from another thread: what is
        due there is due, and may have been written by the time it is folded."""
        written = self._state.maps_written.get(coin)
        return written is None or time_ms - written[0] >= self._every_ms

    def write(self, seq: int, coin: str, why: str) -> int | None:
        """The row of the newest map of a coin, written once however often it is called for; None without a map."""
        view = self._newest.get(coin)
        if view is None:
            return None
        drawn = view.map
        written = self._state.maps_written.get(coin)
        if written is not None and written[0] == drawn.as_of_ms:
            return written[1]
        row = self._pending.add(
            "map_snapshot", run_id=self._state.run_id, seq=seq, time_ms=drawn.as_of_ms, coin=coin, why=why,
            mark_price=Decimal(str(drawn.mark_price)), long_usd=_whole(drawn.long_usd.sum()),
            short_usd=_whole(drawn.short_usd.sum()), bins=_bins(drawn), skill_share=_known(view.map_skill_share),
            printed_ratio=_known(view.map_printed_ratio), forecast=forecast_record(view.forecasts_of()),
        )
        self._state.maps_written[coin] = (drawn.as_of_ms, row)
        return row


def forced_at(drawn: LiquidationMap | None, rows: Rows) -> list[tuple[float | None, int | None]]:
    """For each forced order of one coin: USD in its bin of the map, and the decile of the map's density there."""
    if drawn is None:
        return [(None, None)] * rows.size
    prices = rows["price"].astype(np.float64)
    bins = np.searchsorted(drawn.edges, prices, side="right") - 1
    inside = (bins >= 0) & (bins < drawn.long_usd.size)
    usd, percentiles = np.full(rows.size, np.nan), np.full(rows.size, np.nan)
    for side in Side:
        here = inside & (rows["side"] == int(side))
        usd[here] = drawn.usd(side)[bins[here]]
        percentiles[here] = drawn.density_percentiles(side, prices[here])
    return [
        (None if math.isnan(found) else found, None if math.isnan(percentile) else min(int(percentile // 10), 9))
        for found, percentile in zip(usd.tolist(), percentiles.tolist(), strict=True)
    ]


def density_pct(drawn: LiquidationMap, side: Side, price: float) -> float | None:
    """The map's density percentile at a price, None where it has none."""
    percentile = drawn.density_percentile(side, price)
    return None if math.isnan(percentile) else percentile


def _known(number: float) -> float | None:
    return None if math.isnan(number) else number


def _whole(usd: Any) -> Decimal:
    return Decimal(round(float(usd)))


def _bins(drawn: LiquidationMap) -> dict[str, list[float]]:
    """Four bins of the map make one here, within a quarter of the mark: enough for a picture, small enough to keep."""
    low, high = drawn.mark_price * (1 - _KEPT_PCT / 100), drawn.mark_price * (1 + _KEPT_PCT / 100)
    first = max(bisect.bisect_right(drawn.edges, low) - 1, 0)
    last = min(bisect.bisect_left(drawn.edges, high), drawn.long_usd.size)
    count = max((last - first) // _BINS_TOGETHER, 0)
    last = first + count * _BINS_TOGETHER
    edges = drawn.edges[first : last + 1 : _BINS_TOGETHER]
    return {
        "edges": [round(float(edge), 9) for edge in edges],
        "long_usd": _together(drawn.long_usd[first:last]),
        "short_usd": _together(drawn.short_usd[first:last]),
    }


def _together(usd: Floats) -> list[float]:
    return [float(total) for total in np.rint(usd.reshape(-1, _BINS_TOGETHER).sum(axis=1))]
