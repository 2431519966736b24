"""Random markets as clock steps of blocks: venues that trade, tell open interest and report forced orders."""

import random
from dataclasses import dataclass

from liqbot.blocks import EventBlock, Roster, block_of
from liqbot.events import FundingRate, Liquidation, LiquidationTotals, MarketEvent, MarkPrice, OpenInterest, TradeBar
from liqbot.instruments import Side

START_MS = 1_700_000_000_000


@dataclass
class RandomMarket:
    """One walk per coin, followed by every venue at its own small basis."""

    seed: int
    venues: tuple[str, ...] = ("binance", "bybit", "okx")
    coins: tuple[str, ...] = ("BTC",)
    span_ms: int = 60_000
    volatility_pct: float = 0.3
    marks: bool = False

    @property
    def roster(self) -> Roster:
        return Roster(self.venues, self.coins)

    def steps(self, count: int) -> list[tuple[int, list[MarketEvent]]]:
        chance = random.Random(self.seed)
        price = {coin: chance.uniform(50, 50_000) for coin in self.coins}
        steps = []
        for number in range(count):
            time_ms = START_MS + number * self.span_ms
            happened: list[MarketEvent] = []
            for coin in self.coins:
                before = price[coin]
                price[coin] *= 1 + chance.gauss(0, self.volatility_pct / 100)
                for venue in self.venues:
                    happened += self._of_venue(chance, venue, coin, time_ms, before, price[coin])
            steps.append((time_ms, happened))
        return steps

    def _of_venue(
        self, chance: random.Random, venue: str, coin: str, time_ms: int, before: float, after: float
    ) -> list[MarketEvent]:
        basis = 1 + chance.uniform(-0.0005, 0.0005)
        first, last = before * basis, after * basis
        low = min(first, last) * (1 - abs(chance.gauss(0, 0.001)))
        high = max(first, last) * (1 + abs(chance.gauss(0, 0.001)))
        volume_usd = chance.expovariate(1 / 5e6)
        buy_usd = volume_usd * chance.random()
        at = {"time_ms": time_ms, "venue": venue, "coin": coin}
        found: list[MarketEvent] = [
            TradeBar(**at, span_ms=self.span_ms, open=first, high=high, low=low, close=last, volume_usd=volume_usd,
                     buy_usd=buy_usd, sell_usd=volume_usd - buy_usd)
        ]
        if chance.random() < 0.5:
            found.append(OpenInterest(**at, oi_usd=2e9 * chance.uniform(0.98, 1.02)))
        if chance.random() < 0.3:
            found.append(Liquidation(**at, side=chance.choice([Side.LONG, Side.SHORT]), price=low, size_usd=1e4))
        if chance.random() < 0.1:
            found.append(LiquidationTotals(**at, span_ms=self.span_ms, long_usd=1e5, short_usd=2e5))
        if chance.random() < 0.1:
            found.append(FundingRate(**at, rate_pct=chance.gauss(0.01, 0.01), interval_h=8.0))
        if self.marks:
            found.append(MarkPrice(**at, mark_price=last, index_price=after))
        return found


def blocks_of(steps: list[tuple[int, list[MarketEvent]]], roster: Roster) -> list[EventBlock]:
    return [block_of(happened, roster, tick_ms=time_ms) for time_ms, happened in steps]
