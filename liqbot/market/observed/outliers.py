"""Which of one coin's rows are believed in one step: every venue's price, and its bars in order."""

from collections.abc import Mapping, Sequence
from typing import Final

from liqbot.blocks import NO_ROWS, Rows
from liqbot.market.observed.health import HealthFold
from liqbot.market.observed.prices import NO_BARS, BarColumns, VenuePrice, believable, possible
from liqbot.market.params import HealthParams

Columns = Mapping[str, Rows]
"""Kind -> the rows of one coin and step, as columns (`blocks.DTYPES`); kinds without rows may be missing."""

_RECENT_MS: Final = 60_000
_NOTHING: Final = (float("inf"), float("-inf"))


class OutlierFilter:
    """`prices[venue index]` per venue of the roster; the aggregate's stays unknown."""

    def __init__(self, venues: Sequence[str], aggregate: int, params: HealthParams) -> None:
        self._params = params
        self._aggregate = aggregate
        self.prices = [VenuePrice() for _ in venues]
        self.health = HealthFold(params)
        self._venues = venues

    def take(self, columns: Columns) -> BarColumns:
        """Marks first, then bars; returns the believed bars."""
        marks, bars = columns.get("marks", NO_ROWS["marks"]), columns.get("bars", NO_ROWS["bars"])
        offered = self._offered(marks, bars)
        together = self._together(offered)
        for price in self.prices:
            price.begin_step()
        if len(marks):
            names = ("time_ms", "venue", "mark_price", "index_price")
            for time_ms, venue, mark_price, index_price in zip(*(marks[name].tolist() for name in names), strict=True):
                if self._believed(venue, time_ms, mark_price, offered, together):
                    self.prices[venue].take_mark(time_ms, mark_price, index_price, self._params)
        return self._take_bars(bars, offered, together) if len(bars) else NO_BARS

    def _take_bars(self, bars: Rows, offered: Mapping[int, float], together: tuple[float, float]) -> BarColumns:
        believed: dict[int, list[int]] = {}
        names = ("time_ms", "venue", "span_ms", "open", "high", "low", "close", "volume_usd")
        for index, (time_ms, venue, span_ms, *prices, close, volume_usd) in enumerate(
            zip(*(bars[name].tolist() for name in names), strict=True)
        ):
            if not possible(span_ms, *prices, close, volume_usd, self._params):
                self.prices[venue].rejected += 1
            elif self._believed(venue, time_ms, close, offered, together):
                self.prices[venue].take_bar(time_ms, span_ms, close, self._params)
                believed.setdefault(venue, []).append(index)
        return BarColumns.of(bars, believed)

    @staticmethod
    def _offered(marks: Rows, bars: Rows) -> dict[int, float]:
        """Per venue the newest mark of the step, or close where it has no mark."""
        found: dict[int, float] = {}
        for venue, price in zip(marks["venue"].tolist(), marks["mark_price"].tolist(), strict=True):
            if 0 < price < float("inf"):
                found[venue] = price
        marked = set(found)
        for venue, price in zip(bars["venue"].tolist(), bars["close"].tolist(), strict=True):
            if venue not in marked and 0 < price < float("inf"):
                found[venue] = price
        return found

    def _together(self, offered: Mapping[int, float]) -> tuple[float, float]:
        """Low and high of all that is offered or was believed last, when any two of those prices agree; else nothing.

        Whatever median is taken among them, a price between the two is near it: no vote is needed.
        """
        if len(offered) < 2:
            return _NOTHING
        known = [price.mark_price for price in self.prices if price.known]
        low, high = min(*offered.values(), *known), max(*offered.values(), *known)
        agree = low > 1e-5 and high < 1e7 and (high - low) * 100.0 <= self._params.outlier_pct_max * low
        return (low, high) if agree else _NOTHING

    def _believed(
        self, venue: int, time_ms: int, new_price: float, offered: Mapping[int, float], together: tuple[float, float]
    ) -> bool:
        """Against what the other venues say in this very step, or said a moment ago on this venue's own rhythm."""
        price = self.prices[venue]
        if venue == self._aggregate:
            price.rejected += 1
            return False
        if together[0] <= new_price <= together[1]:
            return True
        recent_ms = max(_RECENT_MS, 2 * price.gap_ms)
        others = [
            offered.get(index, other.mark_price)
            for index, other in enumerate(self.prices)
            if index != venue and (index in offered or (other.known and time_ms - other.mark_ms <= recent_ms))
        ]
        return believable(price, new_price, others, self._params)

    def stale(self, venue: int, now_ms: int) -> bool:
        return self.health.stale(self._venues[venue], self.prices[venue], now_ms)

    def live(self, now_ms: int) -> list[int]:
        """Venue indices."""
        return [venue for venue, price in enumerate(self.prices) if price.known and not self.stale(venue, now_ms)]
