"""How the mark of the market where our orders rest compares with the one that the map is drawn around.

With money both are the same market and the ratio is 1. A test network or a demo account may have a market of its own:
its mark is compared with production's whenever it is published. The ratio is the median of the newest comparisons, so
that neither one absurd tick nor the moment between two readings moves it.
"""

from collections.abc import Iterable
from statistics import median
from typing import Any, Final

import msgspec

from liqbot.events import Event, JournalOpened, TradingMark
from liqbot.market.view import MarketView

ABSENT: Final = float("nan")
SAMPLES_MAX: Final = 9
SAMPLES_MIN: Final = 3
"""Of fewer a single absurd one could be the median."""
WINDOW_MS: Final = 60_000
"""Comparisons older than this against the newest say nothing any more."""
PAIR_MS_MAX: Final = 5_000
"""Two marks further apart in time are not compared."""
PLACES: Final = 7
"""Digits behind the point that a ratio keeps: finer than the tick of any contract."""


class MarkRatio(msgspec.Struct, frozen=True):
    """Of one coin as of now. Not `known` while too few comparisons were made."""

    ratio: float = ABSENT
    """Trading mark over map mark, the median."""
    newest_ratio: float = ABSENT
    """Of the last comparison alone."""
    age_ms: float = float("inf")
    samples: int = 0
    map_price: float = ABSENT
    trading_price: float = ABSENT
    """The two marks of the last comparison."""

    @property
    def known(self) -> bool:
        return self.ratio == self.ratio

    @property
    def deviation_pct(self) -> float:
        """How far the trading market is from the map's, by the median or by the newest, whichever is farther."""
        return max(abs(self.ratio - 1.0), abs(self.newest_ratio - 1.0)) * 100.0 if self.known else ABSENT

    @property
    def spread_pct(self) -> float:
        """How far the newest comparison lies from the median: an absurd tick, or a ratio on the move."""
        return abs(self.newest_ratio / self.ratio - 1.0) * 100.0 if self.known else ABSENT


SAME_MARKET: Final = MarkRatio(1.0, 1.0, 0.0)


def same_market(_coin: str) -> MarkRatio:
    """Of any coin, where orders rest in the map's own market."""
    return SAME_MARKET


class _Comparison(msgspec.Struct, frozen=True):
    time_ms: int
    ratio: float
    map_price: float
    trading_price: float


class MarkRatioState(msgspec.Struct):
    """What must survive a restart."""

    test_market: bool = False
    compared: dict[str, list[_Comparison]] = {}
    """By coin, oldest first."""
    waiting: dict[str, TradingMark] = {}
    """By coin: published since the last tick."""


class MarkRatioFold:
    """Pure: time comes with facts and ticks."""

    def __init__(self, trade_venue: str) -> None:
        self._trade_venue, self._now = trade_venue, MarkRatioState()

    @property
    def test_market(self) -> bool:
        """Orders rest in another market than the map's."""
        return self._now.test_market

    def on_fact(self, fact: Event) -> None:
        """Kinds that say nothing of either market are ignored."""
        if isinstance(fact, JournalOpened):
            self._now.test_market = fact.test_market
        elif isinstance(fact, TradingMark) and fact.venue == self._trade_venue and fact.mark_price > 0:
            self._now.waiting[fact.coin] = fact

    def on_tick(self, tick_ms: int, views: Iterable[MarketView]) -> None:
        """Compares what was published with the map's marks of this tick."""
        if not self._now.test_market or not self._now.waiting:
            return
        for view in views:
            fact = self._now.waiting.get(view.coin)
            if fact is None or view.backfilled:
                continue
            behind_ms = tick_ms - fact.time_ms
            if behind_ms > PAIR_MS_MAX:
                del self._now.waiting[view.coin]
            elif behind_ms < -PAIR_MS_MAX:
                continue  # ticks that were missed are made up for: the map is not there yet
            elif view.mark_price > 0 and view.age_ms <= PAIR_MS_MAX:
                del self._now.waiting[view.coin]
                self._compare(fact, view.mark_price)

    def _compare(self, fact: TradingMark, map_price: float) -> None:
        one = _Comparison(fact.time_ms, fact.mark_price / map_price, map_price, fact.mark_price)
        before = self._now.compared.get(fact.coin, [])
        kept = [other for other in before if one.time_ms - other.time_ms <= WINDOW_MS]
        self._now.compared[fact.coin] = [*kept[1 - SAMPLES_MAX :], one]

    def of(self, coin: str, now_ms: int) -> MarkRatio:
        """The newest that is known; `age_ms` says whether it still holds."""
        if not self._now.test_market:
            return SAME_MARKET
        compared = self._now.compared.get(coin, [])
        if len(compared) < SAMPLES_MIN:
            return MarkRatio(samples=len(compared))
        newest = compared[-1]
        return MarkRatio(
            ratio=round(median(one.ratio for one in compared), PLACES),
            newest_ratio=round(newest.ratio, PLACES),
            age_ms=float(max(0, now_ms - newest.time_ms)),
            samples=len(compared),
            map_price=newest.map_price,
            trading_price=newest.trading_price,
        )

    def state(self) -> dict[str, Any]:
        """Plain values for a snapshot."""
        return dict(msgspec.to_builtins(self._now))

    def load_state(self, state: dict[str, Any]) -> None:
        """Inverse of `state`; ValueError (msgspec.ValidationError) when it does not fit."""
        self._now = msgspec.convert(state, MarkRatioState)
