"""Markets that tell open positions: one venue minute by minute, and a random one."""

import numpy as np
from market_rows import START_MS, RandomMarket, blocks_of

from liqbot.blocks import EventBlock, Roster, block_of
from liqbot.events import Liquidation, MarketEvent, MarkPrice, OpenInterest, OpenPosition, TradeBar
from liqbot.instruments import Side
from liqbot.market.estimate.coverage import Coverage

MINUTE_MS = 60_000
ROSTER = Roster(("hyperliquid",), ("BTC",))
LONG = (Side.LONG, 98.5, 3e6)
NONE = (np.zeros(0), np.zeros(0))
"""No position of a side."""
EVERYTHING = Coverage((1.0, 1.0), (1.0, 1.0))
Places = tuple[tuple[Side, float, float], ...]


def minute(number: int, price: float = 100.0, told: Places | None = None, low: float | None = None) -> EventBlock:
    """One venue trades at `price`; `told` is its snapshot, empty or not."""
    at = {"time_ms": START_MS + number * MINUTE_MS, "venue": "hyperliquid", "coin": "BTC"}
    happened: list[MarketEvent] = [
        TradeBar(**at, span_ms=MINUTE_MS, open=price, high=price, low=low or price, close=price, volume_usd=0.0),
        MarkPrice(**at, mark_price=price),
        OpenInterest(**at, oi_usd=1e9),
    ]
    if told is not None:
        rows = told or ((Side.LONG, 1.0, 0.0),)
        happened += [OpenPosition(**at, side=side, price=where, size_usd=usd) for side, where, usd in rows]
    return block_of(happened, ROSTER, tick_ms=at["time_ms"])


def random_with_snapshots(seed: int) -> tuple[RandomMarket, list[EventBlock]]:
    world = RandomMarket(seed, venues=("hyperliquid", "binance"), volatility_pct=0.4)
    chance, steps = np.random.default_rng(seed), world.steps(120)
    for number, (time_ms, happened) in enumerate(steps):
        if number % 25 == 10:
            price = next(one.close for one in happened if isinstance(one, TradeBar))
            for side, away in ((Side.LONG, 0.98), (Side.SHORT, 1.02), (Side.LONG, 0.9)):
                happened.append(
                    OpenPosition(time_ms=time_ms, venue="hyperliquid", coin="BTC", side=side, price=price * away,
                                 size_usd=float(chance.exponential(1e8)))
                )  # fmt: skip
            happened.append(
                Liquidation(time_ms=time_ms, venue="hyperliquid", coin="BTC", side=Side.LONG, price=price, size_usd=2e4)
            )
    return world, blocks_of(steps, world.roster)
