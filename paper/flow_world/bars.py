"""Bars of any span from the seconds of the market: what happened is the same, what is told of it is not."""

import numpy as np

from liqbot.blocks import Rows, unknown_rows
from paper.flow_world.impact import SECONDS
from paper.flow_world.params import MINUTE_MS
from paper.world.draws import Floats

_SECOND_MS = MINUTE_MS // SECONDS


class BarMaker:
    """Collects minutes; gives the bars that end within the last one."""

    def __init__(self, bar_ms: int, ticks_per_usd: float, start_price: float, venues: int) -> None:
        self._bar_ms, self._ticks = bar_ms, ticks_per_usd
        self._seconds = bar_ms // _SECOND_MS
        self._last: Floats = np.full(venues, start_price)
        self._parts: list[tuple[Floats, Floats, Floats]] = []

    def minute(self, path: Floats, volume_usd: Floats, buy_usd: Floats, end_ms: int) -> list[Rows]:
        """All [venue, second]. A list of bars, each with a row per venue, in order of time."""
        self._parts.append((path, volume_usd, buy_usd))
        if end_ms % self._bar_ms and self._bar_ms > MINUTE_MS:
            return []
        marks, volume, bought = (np.concatenate(column, axis=1) for column in zip(*self._parts, strict=True))
        self._parts.clear()
        span = min(self._seconds, marks.shape[1])
        count = marks.shape[1] // span
        found = []
        for number in range(count):
            part = slice(number * span, (number + 1) * span)
            time_ms = end_ms - (count - 1 - number) * span * _SECOND_MS
            found.append(self._bar(marks[:, part], volume[:, part], bought[:, part], time_ms))
        return found

    def _bar(self, marks: Floats, volume: Floats, bought: Floats, time_ms: int) -> Rows:
        rows = unknown_rows("bars", len(marks))
        rows["time_ms"], rows["venue"] = time_ms, np.arange(len(marks))
        rows["span_ms"] = marks.shape[1] * _SECOND_MS
        prices = np.column_stack((self._last, marks))
        ticked = np.maximum(np.rint(prices * self._ticks), 1.0) / self._ticks
        self._last = marks[:, -1]
        rows["open"], rows["close"] = ticked[:, 0], ticked[:, -1]
        rows["high"], rows["low"] = ticked.max(axis=1), ticked.min(axis=1)
        rows["volume_usd"], rows["buy_usd"] = (np.cumsum(usd, axis=1)[:, -1] for usd in (volume, bought))
        rows["sell_usd"] = rows["volume_usd"] - rows["buy_usd"]
        return rows
