"""Digests of all that is read from the market floor, tick by tick: two states of the code compared bit for bit.

Only the public interface of `Market` is used, so that the same driver runs on an older checkout.
"""

import hashlib
import math
import random
from collections.abc import Iterable, Iterator, Sequence

import msgspec
import numpy as np
from market_rows import RandomMarket, blocks_of

from liqbot.blocks import EventBlock, Roster
from liqbot.events import FeedDown, FeedUp, Liquidation, OpenPosition, TradeBar
from liqbot.instruments import Side
from liqbot.market.market import Market
from liqbot.market.params import MarketParams

MINUTE_MS = 60_000
EIGHT = ("binance", "bybit", "okx", "bitget", "krakenfutures", "hyperliquid", "gate", "aggregate")


def random_blocks(seed: int, steps: int) -> tuple[Roster, list[EventBlock]]:
    """A random market with snapshots of positions, steps in parts, unbelievable rows, silent feeds and a history."""
    chance = random.Random(seed)
    world = RandomMarket(
        seed, venues=EIGHT[: chance.choice((2, 3, 8))] if seed % 4 else ("hyperliquid", "binance"),
        coins=("BTC", "ETH")[: 1 + seed % 2], span_ms=chance.choice((1_000, MINUTE_MS, 5 * MINUTE_MS, 60 * MINUTE_MS)),
        volatility_pct=chance.choice((0.05, 0.3, 1.5)), marks=chance.random() < 0.5,
    )
    told = world.steps(steps)
    for number, (time_ms, happened) in enumerate(told):
        bars = [one for one in happened if isinstance(one, TradeBar)]
        if chance.random() < 0.3:
            # A second bar of a venue in one step, a bar that cannot be, and one that no other venue agrees with.
            last = bars[-1]
            happened.append(msgspec.structs.replace(last, volume_usd=2e6, buy_usd=None, sell_usd=None))
            happened.append(msgspec.structs.replace(bars[0], low=last.high * 2.0))
            far = {name: getattr(last, name) * 1.4 for name in ("open", "high", "low", "close")}
            happened.append(msgspec.structs.replace(bars[0], **far))
        if seed % 3 == 0 and number % 25 == 10:
            happened.extend(_snapshot(chance, time_ms, bars))
    blocks = blocks_of(told, world.roster)
    return world.roster, [
        msgspec.structs.replace(block, backfilled=seed % 2 == 0 and number < steps // 4)
        for number, block in enumerate(blocks)
    ]


def _snapshot(chance: random.Random, time_ms: int, bars: list[TradeBar]) -> list[OpenPosition | Liquidation]:
    found: list[OpenPosition | Liquidation] = []
    for bar in bars:
        if bar.venue in {"hyperliquid", "okx"}:
            at = {"time_ms": time_ms, "venue": bar.venue, "coin": bar.coin}
            for side, away in ((Side.LONG, 0.98), (Side.SHORT, 1.02), (Side.LONG, 0.9), (Side.SHORT, 1.004)):
                usd = chance.expovariate(1e-8)
                found.append(OpenPosition(**at, side=side, price=bar.close * away, size_usd=usd))
            found.append(Liquidation(**at, side=Side.LONG, price=bar.low, size_usd=2e4))
    return found


def digests(
    roster: Roster, blocks: Iterable[EventBlock], *, restore_every: int = 0, reading: bool = True, every: int = 1
) -> Iterator[str]:
    """One running digest per Tick, over views, maps, forecasts and all that was learnt.

    `restore_every` ticks the market is written to bytes, in mid-step, and another one goes on from them.
    `every`: ticks between two readings of what is costly to read.
    """
    market, running, ticks = _fresh(roster), hashlib.sha256(), 0
    for number, block in enumerate(blocks):
        if number % 37 == 5:
            fact = {"time_ms": block.tick_ms or 0, "venue": roster.venues[0], "coin": roster.coins[0], "feed": "trades"}
            market.on_fact(FeedDown(**fact, reason="silent") if number % 2 else FeedUp(**fact))
        market.collect(msgspec.structs.replace(block, tick_ms=None, bars=block.bars[:1], **_EMPTY))
        if restore_every and number % restore_every == restore_every - 1:
            market = _restored(market, roster)
        market.collect(msgspec.structs.replace(block, bars=block.bars[1:]))
        if block.tick_ms is None:
            continue
        views = market.on_tick(block.tick_ms, reading=reading)
        # Nobody decides on a history: its views may show the map as last read, or as read after a restart.
        for view in (one for one in views if not one.backfilled):
            _take(running, [getattr(view, name) for name in view.__struct_fields__ if name != "thin_zones_of"])
            _take(running, view.thin_zones)
        if ticks % every == 0:
            _take_learnt(running, market, roster, block.tick_ms)
        ticks += 1
        yield running.hexdigest()


_EMPTY = {
    kind: EventBlock().rows(kind)
    for kind in ("liquidations", "totals", "open_interest", "marks", "funding", "tops", "positions")
}


def _fresh(roster: Roster) -> Market:
    return Market(MarketParams(), roster, roster.venues[0])


def _restored(market: Market, roster: Roster) -> Market:
    again = _fresh(roster)
    again.load_state(msgspec.msgpack.decode(msgspec.msgpack.encode(market.state())))
    return again


def _take_learnt(running: "hashlib._Hash", market: Market, roster: Roster, now_ms: int) -> None:
    for coin in roster.coins:
        try:
            whole = market.map_of(coin)
        except ValueError:
            continue
        _take(running, whole)
        _take(running, [market.map_of(coin, venues=[roster.venues[-1]]), market.map_of(coin, leverages=[10, 100])])
        _take(running, [market.forecast(coin, hours) for hours in (1, 4, 24)])
        _take(running, [market.map_history(coin)[-1:], market.map_drift(coin), market.map_skill(coin)])
        _take(running, [market.reporting_shares(coin), market.closing_pace(coin), market.promised_usd(coin)])
        _take(running, [whole.spread.sds_usd(whole.long_usd), market.venue_health(coin, now_ms)])


def _take(running: "hashlib._Hash", value: object) -> None:
    """Structs by their fields, arrays and floats by their bytes: NaN and the last bit count."""
    if isinstance(value, np.ndarray):
        running.update(np.ascontiguousarray(value).tobytes())
    elif isinstance(value, float):
        running.update(np.float64(value if not math.isnan(value) else math.nan).tobytes())
    elif isinstance(value, msgspec.Struct):
        _take(running, [getattr(value, name) for name in value.__struct_fields__])
    elif isinstance(value, dict):
        _take(running, list(value.items()))
    elif isinstance(value, (set, frozenset)):
        _take(running, sorted(value))
    elif isinstance(value, Sequence) and not isinstance(value, (str, bytes)):
        running.update(b"%d" % len(value))
        for one in value:
            _take(running, one)
    else:
        running.update(repr(value).encode())
