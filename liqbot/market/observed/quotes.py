"""What the currencies that contracts are quoted in are worth: the dollar is the reference, where a venue quotes in it.

A quote's rate is the price of the reference venues over that of its own. It is 1 exactly until the two differ by more
than venues usually do, and both groups are sound: most of their venues agree with each other, or the only one's mark
with its own index. So a venue that is wrong by itself makes no rate.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from liqbot.instruments import AGGREGATE
from liqbot.market.observed.feed_news import FeedNews
from liqbot.market.observed.majority import majority_price, within_ratio
from liqbot.market.params import QuoteParams
from liqbot.venues.registry import quote_of

REFERENCE: Final = "USD"


class QuoteRate(msgspec.Struct):
    """One quote's. Mutable: folded step by step."""

    ratio: float = 1.0
    """Reference per unit: what a price or a size in this quote is multiplied by."""
    beyond_ms: int = 0
    """Since when it is too far for entries; 0: it is not."""
    reported: bool = False


class QuoteRates:
    """`take` prices at steps where venues differ; `of_venue` are the rates in force."""

    def __init__(self, coin: str, venues: Sequence[str], params: QuoteParams, after_ms: int) -> None:
        self._params, self._after_ms = params, after_ms
        self._sound = 1.0 + params.sound_pct_max / 100.0
        quotes = ["" if venue == AGGREGATE else quote_of(venue, coin) for venue in venues]
        self._reference = _reference(quotes)
        self.quotes = tuple(quotes)
        """Of each venue of the roster."""
        self._rates = {quote: QuoteRate() for quote in quotes if quote not in ("", self._reference)}
        self.of_venue = [1.0] * len(venues)
        self.translating = False
        """Whether any rate is not 1."""
        self.news = FeedNews(coin)
        """Which quotes departed and which came back."""

    @property
    def several(self) -> bool:
        """Whether there is anything to compare."""
        return bool(self._rates)

    def take(self, prices: Sequence[tuple[int, float]], indexes: Mapping[int, float], now_ms: int) -> None:
        """(Venue, its newest price in its own quote) of every fresh venue, and their index prices."""
        grouped: dict[str, list[tuple[int, float]]] = {}
        for venue, price in prices:
            grouped.setdefault(self.quotes[venue], []).append((venue, price))
        reference = self._level(grouped.get(self._reference, []), indexes)
        for quote, one in self._rates.items():
            level = self._level(grouped.get(quote, []), indexes)
            if reference is not None and level is not None:
                self._follow(quote, one, reference / level, now_ms)
        self._apply()

    def _level(self, group: Sequence[tuple[int, float]], indexes: Mapping[int, float]) -> float | None:
        """What a quote's venues agree on; None where they do not."""
        if len(group) == 1:
            ((venue, price),) = group
            index = indexes.get(venue, 0.0)
            return price if index > 0 and within_ratio(price, index, self._sound) else None
        return majority_price((price for _, price in group), self._sound)

    def _follow(self, quote: str, one: QuoteRate, rate: float, now_ms: int) -> None:
        away_pct = _away_pct(rate)
        if away_pct > self._params.departure_pct_max:
            return
        least_pct = self._params.translate_pct_min
        if one.ratio != 1.0:
            least_pct /= 2.0
        one.ratio = rate if away_pct > least_pct else 1.0
        if away_pct <= self._params.hold_pct_max:
            if one.reported:
                self.news.up(AGGREGATE, f"quote {quote}", now_ms)
            one.beyond_ms, one.reported = 0, False
            return
        one.beyond_ms = one.beyond_ms or now_ms
        if not one.reported and now_ms - one.beyond_ms >= self._after_ms:
            one.reported = True
            reason = f"depeg: a {quote} is worth {rate:.4f} {self._reference}"
            self.news.down(AGGREGATE, f"quote {quote}", now_ms, reason)

    def _apply(self) -> None:
        self.translating = any(one.ratio != 1.0 for one in self._rates.values())
        self.of_venue = [self._rates[quote].ratio if quote in self._rates else 1.0 for quote in self.quotes]

    @property
    def held(self) -> tuple[str, float]:
        """The quote that is too far from the reference for entries, and how far in percent; of several the farthest.
        ("", 0.0) without one."""
        if not self.translating:
            return "", 0.0
        beyond = [(_away_pct(one.ratio), quote) for quote, one in self._rates.items() if one.reported]
        away_pct, quote = max(beyond, default=(0.0, ""))
        return quote, away_pct

    def rates(self) -> dict[str, float]:
        """Quote -> rate, of those that are not the reference."""
        return {quote: one.ratio for quote, one in self._rates.items()}

    def state(self) -> list[Any]:
        rates = {quote: msgspec.to_builtins(one) for quote, one in self._rates.items()}
        return [rates, self.news.state()]

    def load_state(self, state: list[Any]) -> None:
        self._rates = {quote: QuoteRate(**one) for quote, one in state[0].items()}
        self.news.load_state(state[1])
        self._apply()


def _reference(quotes: Sequence[str]) -> str:
    """The dollar where any venue quotes in it, else what most do."""
    known = [quote for quote in quotes if quote]
    if REFERENCE in known:
        return REFERENCE
    return max(sorted(set(known)), key=known.count, default="")


def _away_pct(rate: float) -> float:
    """Distance from 1, as far up as down: by ratio."""
    return (max(rate, 1.0 / rate) - 1.0) * 100.0
