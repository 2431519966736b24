"""Markets in which a crowd opens at one price and is flushed later: three venues, every feed that a strategy reads.

A crowd is built up in bars of five minutes, its liquidations lie where leverage puts them. Then price goes where it is
told, in bars of a minute, with volume, taker flow, forced orders and open interest as a flush has them.
"""

import random
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from liqbot.blocks import EventBlock, Roster, block_of
from liqbot.events import FundingRate, Liquidation, MarketEvent, MarkPrice, OpenInterest, TradeBar
from liqbot.instruments import Side
from paper.score.mirror import Kept, mirrored

MINUTE_MS: Final = 60_000
START_MS: Final = 1_700_000_000_000 // 28_800_000 * 28_800_000
SHARES: Final = {"binance": 0.5, "bybit": 0.3, "okx": 0.2}
ROSTER: Final = Roster(tuple(SHARES), ("BTC",))
START_PRICE: Final = 100_000.0
QUIET_USD: Final = 6e6
"""Usual volume per minute, of all venues."""
OI_USD: Final = 6e9


class Stretch(NamedTuple):
    """A piece of the path, straight in price."""

    minutes: int
    to_price: float
    volume: float = 1.0
    """In multiples of the usual."""
    buy_share: float = 0.5
    oi_pct: float = 0.0
    """Change of open interest over all of it."""
    forced_usd: float = 0.0
    """Of longs, all of it."""
    bar_minutes: int = 1
    funding_pct: float = 0.01
    """For eight hours, told at the end of each of them."""


def crowd(opened_at: float = 102_000.0, flush_from: float = 102_000.0) -> tuple[Stretch, ...]:
    """Some hours of nothing, a rise, six hours in which a crowd opens at one price, and a quiet move to where the flush
    begins."""
    return (
        Stretch(240, START_PRICE * 1.004, bar_minutes=5),
        Stretch(480, START_PRICE * 0.996, bar_minutes=5),
        Stretch(240, START_PRICE, bar_minutes=5),
        Stretch(240, opened_at, bar_minutes=5),
        Stretch(360, opened_at, volume=10.0, buy_share=0.57, oi_pct=30.0, bar_minutes=5),
        Stretch(180, flush_from, volume=0.5, bar_minutes=5),
    )


def flush(
    to_price: float, back_price: float, minutes: int, *, flow_flips: bool = True, oi_drops: bool = True
) -> tuple[Stretch, ...]:
    """Down to a price in so many minutes, and half as many back, then quiet."""
    back = max(2, minutes // 2)
    down_oi, back_oi = (-9.0, 1.0) if oi_drops else (0.5, 0.5)
    return (
        Stretch(minutes, to_price, 28.0, 0.33, down_oi, 16e6 * 4),
        Stretch(back, back_price, 17.0, 0.65 if flow_flips else 0.35, back_oi),
        Stretch(45, back_price * 1.001, 1.0),
    )


class Told:
    """Tells stretches one after the other, each from where the last one ended."""

    def __init__(self, *, image: bool = False, seed: int = 7) -> None:
        """`image`: the market's mirror in log price."""
        self._chance, self._image = random.Random(seed), image
        self._at_ms, self.price, self._oi_usd = START_MS, START_PRICE, OI_USD
        self._prices: dict[tuple[int, int], float] = {}
        self._about: dict[int, float] = {}

    def plain(self, price: float) -> float:
        """A price of what is told, as stretches are given: of the image turned back."""
        return self._about[0] ** 2 / price if self._image else price

    def blocks(self, stretches: Iterable[Stretch]) -> Iterator[EventBlock]:
        for stretch in stretches:
            first, bars = self.price, stretch.minutes // stretch.bar_minutes
            for number in range(bars):
                way = (number + 1) / bars
                block = self._bar(stretch, first + (stretch.to_price - first) * way, bars)
                yield mirrored(block, self._prices, self._about, Kept.COINS) if self._image else block

    def _bar(self, stretch: Stretch, close: float, bars: int) -> EventBlock:
        opened, self.price = self.price, close
        self._at_ms += stretch.bar_minutes * MINUTE_MS
        wick = START_PRICE * 0.0002
        high = max(opened, close) + wick * self._chance.random()
        low = min(opened, close) - wick * self._chance.random()
        coins = self._oi_usd / opened * (1.0 + stretch.oi_pct / 100.0) ** (1.0 / bars)
        self._oi_usd = coins * close
        rows: list[MarketEvent] = []
        for venue, share in SHARES.items():
            at = {"time_ms": self._at_ms, "venue": venue, "coin": "BTC"}
            usd = QUIET_USD * share * stretch.volume * stretch.bar_minutes * self._chance.uniform(0.7, 1.4)
            buy = min(0.95, max(0.05, stretch.buy_share + self._chance.uniform(-0.03, 0.03)))
            if stretch.forced_usd:
                within = {**at, "time_ms": self._at_ms - 1_000}
                rows.append(Liquidation(**within, side=Side.LONG, price=(opened + close) / 2,
                                        size_usd=stretch.forced_usd / bars * share))  # fmt: skip
            split = {"volume_usd": usd, "buy_usd": usd * buy, "sell_usd": usd * (1.0 - buy)}
            rows.append(TradeBar(**at, span_ms=stretch.bar_minutes * MINUTE_MS, open=opened, high=high, low=low,
                                 close=close, **split))  # fmt: skip
            rows.append(MarkPrice(**at, mark_price=close, index_price=close))
            rows.append(OpenInterest(**at, oi_usd=self._oi_usd * share))
            if self._at_ms % 28_800_000 == 0:
                rows.append(FundingRate(**at, rate_pct=stretch.funding_pct, interval_h=8.0))
        return block_of(sorted(rows, key=lambda row: row.time_ms), ROSTER, tick_ms=self._at_ms)
