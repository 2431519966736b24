"""Which of one coin's rows are believed in one step: every venue's price, and its bars in order."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from liqbot.blocks import Rows
from liqbot.market.observed.health import HealthFold
from liqbot.market.observed.prices import NO_BARS, BarColumns, VenuePrice, believable, possible
from liqbot.market.params import HealthParams

Columns = Mapping[str, Rows]
"""Kind -> the rows of one coin and step, as columns (`blocks.DTYPES`); kinds without rows may be missing."""

_RECENT_MS: Final = 60_000
_INFINITE: Final = float("inf")
_NOTHING: Final = (_INFINITE, -_INFINITE)


class OutlierFilter:
    """`prices[venue index]` per venue of the roster; the aggregate's stays unknown."""

    def __init__(self, venues: Sequence[str], aggregate: int, params: HealthParams) -> None:
        self._params = params
        self._aggregate = aggregate
        self.prices = [VenuePrice() for _ in venues]
        self.health = HealthFold(params)
        self._venues = venues
        self.priced = False
        """Whether any price of the last step was believed."""

    def take(self, columns: Columns) -> BarColumns:
        """Marks first, then bars; returns the believed bars."""
        marks = columns["marks"].tolist() if "marks" in columns else ()
        bars = self._unreported(columns["bars"].tolist()) if "bars" in columns else ()
        offered = {venue: price for _, venue, _, price, _ in marks if 0 < price < _INFINITE}
        marked = set(offered)
        offered |= {row[1]: row[7] for row in bars if row[1] not in marked and 0 < row[7] < _INFINITE}
        together = self._together(offered)
        self.priced = False
        for price in self.prices:
            price.begin_step()
        for time_ms, venue, _, mark_price, index_price in marks:
            if self._believed(venue, time_ms, mark_price, offered, together):
                self.prices[venue].take_mark(time_ms, mark_price, index_price, self._params)
                self.priced = True
        return self._take_bars(bars, offered, together) if bars else NO_BARS

    def _unreported(self, bars: Sequence[tuple[Any, ...]]) -> Sequence[tuple[Any, ...]]:
        """Without bars of a span of which a part was reported before: their volume would count twice."""
        reported_ms = [price.bar_ms for price in self.prices]
        unreported = []
        for row in bars:
            time_ms, venue, _, span_ms, *_ = row
            if time_ms - span_ms < reported_ms[venue]:
                self.prices[venue].rejected += 1
            else:
                reported_ms[venue] = time_ms
                unreported.append(row)
        return unreported

    def _take_bars(
        self, bars: Sequence[tuple[Any, ...]], offered: Mapping[int, float], together: tuple[float, float]
    ) -> BarColumns:
        """Rows as in `blocks.DTYPES["bars"]`."""
        believed: dict[int, list[tuple[Any, ...]]] = {}
        for row in bars:
            time_ms, venue, _, span_ms, first, high, low, close, volume_usd, _, _ = row
            price = self.prices[venue]
            if not possible(span_ms, first, high, low, close, volume_usd, self._params):
                price.rejected += 1
            elif self._believed(venue, time_ms, close, offered, together):
                price.take_bar(time_ms, span_ms, close, self._params)
                believed.setdefault(venue, []).append(row)
                self.priced = True
        return BarColumns.of(believed)

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
