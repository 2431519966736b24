"""What is believed of one coin's rows in one step: every venue's price, and its bars in order."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from liqbot.market.observed.health import HealthFold
from liqbot.market.observed.prices import PriceBar, VenuePrice, bar_of, believable
from liqbot.market.params import HealthParams

Row = tuple[Any, ...]
Rows = Mapping[str, Sequence[Row]]
"""Kind of row -> rows (time, venue code, coin code, ...), in the order of `blocks.DTYPES`."""

_RECENT_MS: Final = 60_000
_TIME, _VENUE = 0, 1
_NOTHING: Final = (float("inf"), float("-inf"))


class OutlierFilter:
    """`prices[code]` per venue of the roster; the aggregate's stays unknown."""

    def __init__(self, venues: Sequence[str], aggregate: int, params: HealthParams) -> None:
        self._params = params
        self._aggregate = aggregate
        self.prices = [VenuePrice() for _ in venues]
        self.health = HealthFold(params)
        self._venues = venues

    def take(self, rows: Rows) -> dict[int, list[PriceBar]]:
        """Marks first, then bars; returns the believed bars by venue code, in order."""
        marks, bars = rows.get("marks", ()), rows.get("bars", ())
        offered = {row[_VENUE]: row[3] for row in marks if 0 < row[3] < float("inf")}
        marked = set(offered)
        for row in bars:
            if row[_VENUE] not in marked and 0 < row[7] < float("inf"):
                offered[row[_VENUE]] = row[7]
        together = self._together(offered)
        for price in self.prices:
            price.begin_step()
        for row in marks:
            if self._believed(row, row[3], offered, together):
                self.prices[row[_VENUE]].take_mark(row[_TIME], row[3], row[4], self._params)
        taken: dict[int, list[PriceBar]] = {}
        for row in bars:
            bar = bar_of(row, self._params)
            if bar is None:
                self.prices[row[_VENUE]].rejected += 1
            elif self._believed(row, bar.close, offered, together):
                self.prices[row[_VENUE]].take_bar(row[_TIME], bar, self._params)
                taken.setdefault(row[_VENUE], []).append(bar)
        return taken

    def _together(self, offered: Mapping[int, float]) -> tuple[float, float]:
        """Low and high of all that is offered or was believed last, when any two of those prices agree; else nothing.

        Whatever median is taken among them, a price between the two is near it: nobody needs to be asked.
        """
        if len(offered) < 2:
            return _NOTHING
        known = [price.mark_price for price in self.prices if price.known]
        low, high = min(*offered.values(), *known), max(*offered.values(), *known)
        agree = low > 1e-5 and high < 1e7 and (high - low) * 100.0 <= self._params.outlier_pct_max * low
        return (low, high) if agree else _NOTHING

    def _believed(
        self, row: Row, new_price: float, offered: Mapping[int, float], together: tuple[float, float]
    ) -> bool:
        """Against what the other venues say in this very step, or said a moment ago on this venue's own rhythm."""
        venue, time_ms = row[_VENUE], row[_TIME]
        price = self.prices[venue]
        if venue == self._aggregate:
            price.rejected += 1
            return False
        if together[0] <= new_price <= together[1]:
            return True
        recent_ms = max(_RECENT_MS, 2 * price.gap_ms)
        others = [
            offered.get(code, other.mark_price)
            for code, other in enumerate(self.prices)
            if code != venue and (code in offered or (other.known and time_ms - other.mark_ms <= recent_ms))
        ]
        return believable(price, new_price, others, self._params)

    def stale(self, code: int, now_ms: int) -> bool:
        return self.health.stale(self._venues[code], self.prices[code], now_ms)

    def live(self, now_ms: int) -> list[int]:
        return [code for code, price in enumerate(self.prices) if price.known and not self.stale(code, now_ms)]
