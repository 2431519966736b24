"""Forced orders as pieces: USD of one side spread evenly over a stretch of the price grid, at one step."""

from collections.abc import Sequence

import msgspec
import numpy as np

from liqbot.blocks import EventBlock
from liqbot.instruments import Side
from liqbot.market.observed.waiting_prints import Print, WaitingPrints
from paper.score.price_path import LONG, SHORT, Floats, PricePath, Whole


class PlacedOrders(msgspec.Struct, frozen=True, eq=False):
    """Columns of equal length; `low` <= `high` are positions of the price grid."""

    step: Whole
    side: Whole
    low: Floats
    high: Floats
    usd: Floats


class Placing:
    """Collects what forced-order feeds tell, placed by what the venue's mark crossed in the bar that contains them.

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
        self._waiting = WaitingPrints(venues)
        self._totals_waiting = WaitingPrints(1)

    def step(self, block: EventBlock, frame: PricePath, number: int) -> Floats:
        """Places the forced orders whose stretch of the path is known with this step; returns [venue, side] USD."""
        placed, home, now_ms = np.zeros((self._venues, 2)), frame.home, block.tick_ms or 0
        self._path.append((now_ms, frame.before[home], frame.low[home], frame.high[home]))
        self._take(block, frame)
        known_ms, home_ms = frame.known_until(now_ms)
        orders = [one for venue, until_ms in enumerate(known_ms) for one in self._waiting.take(venue, until_ms)]
        bands = frame.bands() if orders else np.zeros(0)
        for one in orders:
            side = LONG if one.long_usd > 0 else SHORT
            self._place(number, one.venue, side, bands[one.venue, side].tolist(), one.long_usd + one.short_usd, placed)
        for one in self._totals_waiting.take(0, home_ms):
            begin, low, high = self._crossed(one.time_ms - one.span_ms)
            for side, band, usd in ((LONG, (low, begin), one.long_usd), (SHORT, (begin, high), one.short_usd)):
                self._place(number, one.venue, side, band, usd, placed)
        return placed

    def _take(self, block: EventBlock, frame: PricePath) -> None:
        """Of those that count, each waits for its own venue's path, totals for the home venue's."""
        for time_ms, venue, _, sign, _, usd in frame.own(block.liquidations).tolist():
            if venue not in self._totals and venue != self._aggregate and usd > 0:
                self._waiting.add(venue, Print.order(time_ms, venue, Side(sign), usd))
        for time_ms, venue, _, span_ms, long_usd, short_usd in frame.own(block.totals).tolist():
            if venue != self._aggregate or self._aggregate_alone:
                self._totals_waiting.add(0, Print(time_ms, span_ms, venue, long_usd, short_usd))

    def _place(self, number: int, venue: int, side: int, band: Sequence[float], usd: float, placed: Floats) -> None:
        if usd > 0:
            low, high = sorted(band)
            self._rows.append((number, side, low, high, usd))
            placed[venue, side] += usd

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
