"""What a venue shows to everybody, contract by contract: last trade, mark, index, open interest, funding, candles.

Folded from the same blocks that the simulated exchange trades on; REST answers of the public kind are read from here.
"""

from collections import deque
from collections.abc import Iterable
from typing import Final

import msgspec

from liqbot.blocks import EventBlock, Roster, stage_of
from liqbot.events import FundingRate, MarketEvent, MarkPrice, TradeBar
from liqbot.instruments import FundingStage
from liqbot.market.observed.settlements import interval_ms, settlement_ms
from paper.dialects.trade_prints import TradePrint

MINUTE_MS: Final = 60_000
DAY_MS: Final = 86_400_000
CANDLES_MAX: Final = 45_000
"""A month of minutes."""
PRINTS_MAX: Final = 1_000
HISTORY_MAX: Final = 10_000


class Candle(msgspec.Struct):
    """One minute, or any longer span made of minutes."""

    open_ms: int
    open: float
    high: float
    low: float
    close: float
    volume_usd: float = 0.0
    buy_usd: float = 0.0
    trades: int = 0


class PastFigure(msgspec.Struct, frozen=True):
    """A figure of a history: open interest in USD, or a settled funding rate in percent."""

    time_ms: int
    value: float


class VenueTicker(msgspec.Struct):
    """One contract now; 0 stands for `not known yet`."""

    time_ms: int = 0
    last_price: float = 0.0
    mark_price: float = 0.0
    index_price: float = 0.0
    oi_usd: float = 0.0
    oi_ms: int = 0
    rate_pct: float = 0.0
    rate_ms: int = 0
    interval_h: float = 8.0
    candles: deque[Candle] = msgspec.field(default_factory=lambda: deque(maxlen=CANDLES_MAX))
    prints: deque[TradePrint] = msgspec.field(default_factory=lambda: deque(maxlen=PRINTS_MAX))
    funding: deque[PastFigure] = msgspec.field(default_factory=lambda: deque(maxlen=HISTORY_MAX))
    oi: deque[PastFigure] = msgspec.field(default_factory=lambda: deque(maxlen=HISTORY_MAX))
    before: Candle | None = None
    """See `_before`."""
    before_key: tuple[int, int] = (0, 0)

    @property
    def mark_or_last_price(self) -> float:
        return self.mark_price or self.last_price

    def next_funding_ms(self, now_ms: int) -> int:
        """The next whole interval since midnight UTC."""
        step_ms = interval_ms(self.interval_h)
        return (now_ms // step_ms + 1) * step_ms

    def rated(self, time_ms: int, rate_pct: float, interval_h: float, stage: FundingStage | None) -> None:
        """A funding rate. Paid at a settlement is what its own row says, else the last rate published before it."""
        paid_ms = settlement_ms(time_ms, interval_h, stage)
        settled_ms = self.funding[-1].time_ms if self.funding else 0
        due_ms = time_ms // interval_ms(interval_h) * interval_ms(interval_h)
        if paid_ms is not None:
            if paid_ms > settled_ms:
                self.funding.append(PastFigure(paid_ms, rate_pct))
        elif settled_ms < due_ms and 0 < self.rate_ms < due_ms:
            self.funding.append(PastFigure(due_ms, self.rate_pct))
        self.rate_pct, self.interval_h, self.rate_ms = rate_pct, interval_h, time_ms

    def day(self, now_ms: int) -> Candle:
        """The last 24 hours as one candle."""
        since_ms, price = now_ms - DAY_MS, self.last_price
        newest = self.candles[-1] if self.candles else None
        if newest is None or newest.open_ms <= since_ms:
            return Candle(since_ms, price, price, price, price)
        before = self._before(newest, since_ms)
        return _merged([newest] if before is None else [before, newest])

    def _before(self, newest: Candle, since_ms: int) -> Candle | None:
        """All but the newest, kept while they are the same: every message needs it."""
        key = (newest.open_ms, since_ms // MINUTE_MS)
        if self.before_key != key:
            recent = [candle for candle in self.candles if candle.open_ms > since_ms and candle is not newest]
            self.before_key, self.before = key, _merged(recent) if recent else None
        return self.before

    def candles_of(self, span_ms: int, start_ms: int | None, end_ms: int | None, limit: int) -> list[Candle]:
        """Oldest first: the first `limit` from `start_ms` when it is given, else the last `limit`."""
        chosen = [
            candle for candle in self.candles
            if (start_ms is None or candle.open_ms >= start_ms) and (end_ms is None or candle.open_ms <= end_ms)
        ]
        spans: dict[int, list[Candle]] = {}
        for candle in chosen:
            spans.setdefault(candle.open_ms // span_ms * span_ms, []).append(candle)
        merged = [msgspec.structs.replace(_merged(parts), open_ms=at_ms) for at_ms, parts in spans.items()]
        return merged[:limit] if start_ms is not None else merged[-limit:]

    def traded(self, end_ms: int, span_ms: int, prices: tuple[float, float, float, float],
               volume_usd: float, buy_usd: float) -> None:
        """A bar; `prices` are open, high, low, close. A bar longer than a minute lies in the minute it begins in."""
        opened, high, low, close = prices
        open_ms = max(0, end_ms - max(span_ms, 1)) // MINUTE_MS * MINUTE_MS
        self.last_price, self.time_ms = close, max(self.time_ms, end_ms)
        candle = self.candles[-1] if self.candles else None
        if candle is None or candle.open_ms != open_ms:
            self.candles.append(Candle(open_ms, opened, high, low, close, volume_usd, buy_usd, 1))
            return
        candle.close = close
        candle.high = max(candle.high, high)
        candle.low = min(candle.low, low)
        candle.volume_usd += volume_usd
        candle.buy_usd += buy_usd
        candle.trades += 1


def _merged(parts: list[Candle]) -> Candle:
    return Candle(
        parts[0].open_ms,
        parts[0].open,
        max(part.high for part in parts),
        min(part.low for part in parts),
        parts[-1].close,
        sum(part.volume_usd for part in parts),
        sum(part.buy_usd for part in parts),
        sum(part.trades for part in parts),
    )


class Tickers:
    """One `VenueTicker` per listed (venue, coin)."""

    def __init__(self, keys: Iterable[tuple[str, str]], roster: Roster) -> None:
        self.of = {key: VenueTicker() for key in keys}
        self._by_code = {
            (roster.venue_code(venue), roster.coin_code(coin)): ticker for (venue, coin), ticker in self.of.items()
        }

    def summary(self, venue: str) -> list[MarketEvent]:
        """One venue's present figures as facts, for who comes late."""
        facts: list[MarketEvent] = []
        for (at, coin), ticker in self.of.items():
            if at != venue or not ticker.last_price:
                continue
            now_ms, price = ticker.time_ms, ticker.last_price
            facts.append(
                TradeBar(time_ms=now_ms, venue=venue, coin=coin, span_ms=0, open=price, high=price, low=price,
                         close=price, volume_usd=0.0)
            )
            if ticker.mark_price:
                facts.append(MarkPrice(time_ms=now_ms, venue=venue, coin=coin, mark_price=ticker.mark_price))
            if ticker.rate_ms:
                facts.append(
                    FundingRate(time_ms=ticker.rate_ms, venue=venue, coin=coin, rate_pct=ticker.rate_pct,
                                interval_h=ticker.interval_h, rate_stage=FundingStage.FORECAST)
                )
        return facts

    def fold(self, block: EventBlock) -> None:
        """Take in everything the block says about listed contracts."""
        by_code = self._by_code
        for row in block.bars.tolist():
            if (ticker := by_code.get((row[1], row[2]))) is not None:
                buy_usd = row[9] if row[9] == row[9] else row[8] / 2
                ticker.traded(row[0], row[3], (row[4], row[5], row[6], row[7]), row[8], buy_usd)
        for row in block.marks.tolist():
            if (ticker := by_code.get((row[1], row[2]))) is not None:
                ticker.mark_price, ticker.index_price = row[3], row[4] if row[4] == row[4] else row[3]
                ticker.time_ms = max(ticker.time_ms, row[0])
        for row in block.open_interest.tolist():
            if (ticker := by_code.get((row[1], row[2]))) is not None:
                ticker.oi_usd, ticker.oi_ms = row[3], row[0]
                ticker.oi.append(PastFigure(row[0], row[3]))
        for row in block.funding.tolist():
            if (ticker := by_code.get((row[1], row[2]))) is not None:
                ticker.rated(row[0], row[3], row[4], stage_of(row[5]))
