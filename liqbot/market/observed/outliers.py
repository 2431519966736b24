"""Which of one coin's rows are believed in one step: every venue's price, and its bars in order."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from liqbot.blocks import Rows
from liqbot.events import FeedDown, FeedUp
from liqbot.market.observed.agreement import OwnPrice, PriceAgreement
from liqbot.market.observed.health import HealthFold
from liqbot.market.observed.prices import (
    BELIEVED_PRICE_MAX,
    BELIEVED_PRICE_MIN,
    NO_BARS,
    BarColumns,
    VenuePrice,
    believable,
    possible,
)
from liqbot.market.observed.quotes import QuoteRates
from liqbot.market.params import HealthParams, MarketParams
from liqbot.venues.registry import has_us_basis

Columns = Mapping[str, Rows]
"""Kind -> the rows of one coin and step, as columns (`blocks.DTYPES`); kinds without rows may be missing."""

_RECENT_MS: Final = 60_000
_INFINITE: Final = float("inf")
_NOTHING: Final = (_INFINITE, -_INFINITE)


class OutlierFilter:
    """`prices[venue index]` per venue of the roster; the aggregate's stays unknown."""

    def __init__(self, coin: str, venues: Sequence[str], aggregate: int, params: MarketParams) -> None:
        self._params: HealthParams = params.health
        self._aggregate = aggregate
        self.prices = [VenuePrice() for _ in venues]
        self.health = HealthFold(params.health)
        self.agreement = PriceAgreement(coin, venues, params.agreement)
        self.quotes = QuoteRates(coin, venues, params.quotes, params.agreement.after_ms)
        self._venues = venues
        self._compared = [index != aggregate and not has_us_basis(venue) for index, venue in enumerate(venues)]
        """What expires trades away from the others: it is not held against them."""
        self._several = sum(self._compared) > 1
        close_pct = params.agreement.band_pct
        if self.quotes.several:
            close_pct = min(close_pct, params.quotes.translate_pct_min)
        self._close = 1.0 + close_pct / 100.0
        """While all prices lie within this ratio, nobody is apart and no quote departs."""
        self.priced = False
        """Whether any price of the last step was believed."""

    def take(self, columns: Columns, now_ms: int) -> BarColumns:
        """Marks first, then bars; returns the believed bars. `now_ms`: the step's."""
        marks = columns["marks"].tolist() if "marks" in columns else ()
        bars = self._unreported(columns["bars"].tolist()) if "bars" in columns else ()
        offered = {venue: price for _, venue, _, price, _ in marks if 0 < price < _INFINITE}
        marked = set(offered)
        offered |= {row[1]: row[7] for row in bars if row[1] not in marked and 0 < row[7] < _INFINITE}
        low, high = self._range(offered) if self._several else _NOTHING
        weighed = self.agreement.apart or self.quotes.translating or high > low * self._close
        if weighed and offered:
            self._weigh(offered, marks, now_ms)
            low, high = self._range(offered)
        together = self._together(len(offered), low, high)
        self.priced = False
        for price in self.prices:
            price.begin_step()
        seen_ms = [price.seen_ms for price in self.prices] if weighed else ()
        for time_ms, venue, _, mark_price, index_price in marks:
            if self._believed(venue, time_ms, mark_price, offered, together):
                self.prices[venue].take_mark(time_ms, mark_price, index_price, self._params)
                self.priced = True
        believed = self._take_bars(bars, offered, together) if bars else NO_BARS
        if weighed:
            self.agreement.refused(
                [venue for venue in offered if self._compared[venue]],
                lambda venue: self.prices[venue].seen_ms > seen_ms[venue],
            )
        return believed

    def _weigh(self, offered: Mapping[int, float], marks: Sequence[tuple[Any, ...]], now_ms: int) -> None:
        """What quotes are worth, and which venues agree: where the prices at hand differ, or did."""
        agreement = self.agreement
        compared = {venue: price for venue, price in offered.items() if self._compared[venue]}
        agreement.note(compared, now_ms)
        fresh: list[tuple[int, float, int]] = []
        for venue, own in enumerate(self.prices):
            if self._compared[venue]:
                price, time_ms = agreement.newest(venue, own.mark_price, own.mark_ms)
                if price == price and now_ms - time_ms <= max(_RECENT_MS, 2 * own.gap_ms):
                    fresh.append((venue, price, time_ms))
        if self.quotes.several:
            indexes = {venue: own.index_price for venue, own in enumerate(self.prices)}
            indexes |= {venue: index_price for _, venue, _, _, index_price in marks}
            self.quotes.take([(venue, price) for venue, price, _ in fresh], indexes, now_ms)
        rates = self.quotes.of_venue
        in_usd = [OwnPrice(venue, price * rates[venue], at_ms) for venue, price, at_ms in fresh]
        agreement.vote(in_usd, compared, now_ms)

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

    def _range(self, offered: Mapping[int, float]) -> tuple[float, float]:
        """Low and high of all that is offered or was believed last, in the reference quote."""
        if not offered:
            return _NOTHING
        if self.quotes.translating:
            rates = self.quotes.of_venue
            known = [price.mark_price * rate for price, rate in zip(self.prices, rates, strict=True) if price.known]
            known += [price * rates[venue] for venue, price in offered.items()]
            return min(known), max(known)
        known = [price.mark_price for price in self.prices if price.known]
        if not known:
            return min(offered.values()), max(offered.values())
        return min(*offered.values(), *known), max(*offered.values(), *known)

    def _together(self, count: int, low: float, high: float) -> tuple[float, float]:
        """Low and high of several prices when any two of them agree; else nothing.

        Whatever median is taken among them, a price between the two is near it: no vote is needed.
        """
        if count < 2:
            return _NOTHING
        near = (high - low) * 100.0 <= self._params.outlier_pct_max * low
        return (low, high) if near and BELIEVED_PRICE_MIN < low <= high < BELIEVED_PRICE_MAX else _NOTHING

    def _believed(
        self, venue: int, time_ms: int, new_price: float, offered: Mapping[int, float], together: tuple[float, float]
    ) -> bool:
        """Against what the other venues say in this very step, or said a moment ago on this venue's own rhythm."""
        price = self.prices[venue]
        if venue == self._aggregate:
            price.rejected += 1
            return False
        if self.agreement.apart and self.agreement.quarantined(venue):
            price.rejected += 1
            return False
        rates = self.quotes.of_venue
        if together[0] <= new_price * rates[venue] <= together[1]:
            return True
        recent_ms = max(_RECENT_MS, 2 * price.gap_ms)
        others = [
            offered.get(index, other.mark_price) * (rates[index] / rates[venue])
            for index, other in enumerate(self.prices)
            if index != venue and (index in offered or (other.known and time_ms - other.mark_ms <= recent_ms))
        ]
        return believable(price, new_price, others, self._params)

    def take_news(self) -> tuple[FeedUp | FeedDown, ...]:
        """Of venues and of quotes, since it was taken last."""
        return self.agreement.news.take() + self.quotes.news.take()

    def usd_price(self, venue: int) -> float:
        """Its newest believed price in the reference quote."""
        return self.prices[venue].mark_price * self.quotes.of_venue[venue]

    def stale(self, venue: int, now_ms: int) -> bool:
        return self.health.stale(self._venues[venue], self.prices[venue], now_ms)

    def live(self, now_ms: int) -> list[int]:
        """Venue indices."""
        return [venue for venue, price in enumerate(self.prices) if price.known and not self.stale(venue, now_ms)]
