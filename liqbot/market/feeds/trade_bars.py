"""Trades into bars: one per contract and span of venue time. Nothing is lost, and a bar that has left never changes."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

import msgspec

from liqbot.blocks import Rows, rows_of
from liqbot.market.feeds.feed_stats import FeedStats
from liqbot.venues.parsing import Trade

AHEAD_MS_MAX: Final = 60_000
"""Beyond this ahead of our clock, a venue's time is taken to be now."""
DAY_MS: Final = 86_400_000
"""So far ahead of our clock, or behind what came before, a venue's time makes nonsense of what it dates."""


class _Bucket(msgspec.Struct, gc=False):
    end_ms: int
    since_ms: int
    open: float
    high: float
    low: float
    close: float
    buy_usd: float
    sell_usd: float


class TradeCollector:
    """One open bar per contract. It closes when a trade of a later span comes, or two spans after it was opened."""

    def __init__(self, contracts: int, span_ms: int, stats: FeedStats) -> None:
        self._span_ms, self._stats = span_ms, stats
        self._open: list[_Bucket | None] = [None] * contracts
        self._left_ms = [0] * contracts
        """End of the newest bar that has left, per contract."""
        self._closed: list[tuple[int, _Bucket]] = []

    def take(self, trades: Iterable[Trade], now_ms: int) -> None:
        for index, time_ms, price, size_usd, bought in trades:
            bucket = self._open[index]
            if bucket is None or time_ms >= bucket.end_ms:
                if not self._left_ms[index] - DAY_MS < time_ms < now_ms + DAY_MS:
                    self._stats.malformed_rows += 1
                    continue
                bucket = self._begin(index, bucket, time_ms, price, now_ms)
            elif time_ms < bucket.end_ms - self._span_ms:
                if time_ms <= bucket.end_ms - DAY_MS:
                    self._stats.malformed_rows += 1
                    continue
                self._stats.late_trades += 1
            bucket.close = price
            if price > bucket.high:
                bucket.high = price
            elif price < bucket.low:
                bucket.low = price
            if bought:
                bucket.buy_usd += size_usd
            else:
                bucket.sell_usd += size_usd

    def flush(self, now_ms: int, *, everything: bool = False) -> list[tuple[Any, ...]]:
        """Bars that are over as (contract index, end, open, high, low, close, buy_usd, sell_usd), in order of closing.

        `everything` closes the open ones too.
        """
        for index, bucket in enumerate(self._open):
            if bucket is not None and (everything or not 0 <= now_ms - bucket.since_ms < 2 * self._span_ms):
                self._close(index, bucket)
        bars = [
            (index, one.end_ms, one.open, one.high, one.low, one.close, one.buy_usd, one.sell_usd)
            for index, one in self._closed
        ]
        self._closed = []
        return bars

    def _begin(self, index: int, before: _Bucket | None, time_ms: int, price: float, now_ms: int) -> _Bucket:
        if before is not None:
            self._close(index, before)
        if time_ms > now_ms + AHEAD_MS_MAX:
            self._stats.misdated_trades += 1
            time_ms = now_ms
        end_ms = (time_ms // self._span_ms + 1) * self._span_ms
        if end_ms <= self._left_ms[index]:
            self._stats.late_trades += 1
            end_ms = self._left_ms[index] + self._span_ms
        bucket = _Bucket(end_ms, now_ms, price, price, price, price, 0.0, 0.0)
        self._open[index] = bucket
        return bucket

    def _close(self, index: int, bucket: _Bucket) -> None:
        self._closed.append((index, bucket))
        self._left_ms[index] = bucket.end_ms
        self._open[index] = None


def bar_rows(bars: Iterable[tuple[Any, ...]], span_ms: int, codes: Sequence[tuple[int, int]]) -> Rows:
    """Rows of what `TradeCollector.flush` gave; `codes` are venue and coin in the roster, by contract index."""
    return rows_of("bars", [
        (end_ms, *codes[index], span_ms, opened, high, low, close, buy_usd + sell_usd, buy_usd, sell_usd)
        for index, end_ms, opened, high, low, close, buy_usd, sell_usd in bars
    ])
