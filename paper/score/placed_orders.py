"""Forced orders as pieces: USD of one side spread evenly over a stretch of the price grid, at one step."""

import msgspec
import numpy as np

from liqbot.blocks import EventBlock
from paper.score.price_path import LONG, SHORT, Floats, PricePath, Whole


class PlacedOrders(msgspec.Struct, frozen=True, eq=False):
    """Columns of equal length; `low` <= `high` are positions of the price grid."""

    step: Whole
    side: Whole
    low: Floats
    high: Floats
    usd: Floats


class Placing:
    """Collects what forced-order feeds tell, placed by the venue's mark at the time it was told.

    Where a venue tells totals per interval, its single orders are contained in those and are not counted again; totals
    are spread over all that the home venue's price newly crossed in that interval.
    """

    def __init__(self, venues: int, with_totals: frozenset[int], *, aggregate: int = -1) -> None:
        """`with_totals` are the venues that tell totals; `aggregate` counts only when no venue tells anything."""
        self._venues, self._totals = venues, with_totals
        self._aggregate_alone = with_totals == {aggregate}
        self._aggregate = aggregate
        self._rows: list[tuple[int, int, float, float, float]] = []
        self._path: list[tuple[int, float, float, float]] = []
        """Time, mark before, low, high of the home venue per step."""

    def step(self, block: EventBlock, frame: PricePath, number: int) -> Floats:
        """Places one step's forced orders; returns [venue, side] USD told in it."""
        told = np.zeros((self._venues, 2))
        home = frame.home
        self._path.append((block.tick_ms or 0, frame.before[home], frame.low[home], frame.high[home]))
        orders, totals = frame.own(block.liquidations), frame.own(block.totals)
        if len(orders):
            bands = frame.bands()
            for _, venue, _, sign, _, usd in orders.tolist():
                if venue not in self._totals and venue != self._aggregate and usd > 0:
                    side = LONG if sign > 0 else SHORT
                    near, far = sorted(bands[venue, side].tolist())
                    self._rows.append((number, side, near, far, usd))
                    told[venue, side] += usd
        for time_ms, venue, _, span_ms, long_usd, short_usd in totals.tolist():
            if venue == self._aggregate and not self._aggregate_alone:
                continue
            begin, low, high = self._crossed(time_ms - span_ms)
            for side, near, far, usd in ((LONG, low, begin, long_usd), (SHORT, begin, high, short_usd)):
                if usd > 0:
                    self._rows.append((number, side, min(near, far), max(near, far), usd))
                    told[venue, side] += usd
        return told

    def _crossed(self, since_ms: int) -> tuple[float, float, float]:
        """Mark at the beginning, lowest and highest of the steps after a time."""
        first = len(self._path)
        while first > 0 and self._path[first - 1][0] > since_ms:
            first -= 1
        steps = self._path[min(first, len(self._path) - 1) :]
        return steps[0][1], min(step[2] for step in steps), max(step[3] for step in steps)

    def pieces(self) -> PlacedOrders:
        table = np.array(self._rows).reshape(-1, 5)
        return PlacedOrders(
            table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2], table[:, 3], table[:, 4]
        )


def spread(rows: Whole, low: Floats, high: Floats, usd: Floats, *, count: int, first: int, bins: int) -> Floats:
    """[count, bins] USD: each piece goes to its row, evenly over low..high; bins begin at position `first`."""
    high = np.maximum(high, low + 1e-6)
    out = np.zeros(count * bins)
    start = np.floor(low)
    width = int((high - start).max()) + 1 if len(low) else 0
    for number in range(width):
        inside = np.minimum(high, start + number + 1) - np.maximum(low, start + number)
        hit = np.flatnonzero(inside > 0)
        column = np.clip(start[hit] + number - first, 0, bins - 1).astype(np.int64)
        weight = usd[hit] * inside[hit] / (high - low)[hit]
        out += np.bincount(rows[hit] * bins + column, weight, minlength=count * bins)
    return out.reshape(count, bins)
