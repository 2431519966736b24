"""What the map costs: one step of the estimate per venue-bar, drawing it, and a whole market tick.

The yardstick is a bare numpy bincount per leverage over the same bars in the same run: no venues, no sides, no removal,
no decay, no bound. The fold runs compiled where that loads. Figures are medians over rounds.

    python bench/map.py [--venues 8] [--bars 2000] [--rounds 3] [--seed 1]
"""

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from _figures import Figure, arguments, main

from liqbot.blocks import Roster, block_of
from liqbot.events import MarketEvent, OpenInterest, TradeBar
from liqbot.market.estimate.closing_rate import ClosingRate
from liqbot.market.estimate.kernels import LONG, SHORT
from liqbot.market.estimate.positions import Positions
from liqbot.market.estimate.price_grid import edges, position_of, shift_of
from liqbot.market.estimate.state import PositionState
from liqbot.market.market import Market
from liqbot.market.params import EstimateParams, MarketParams
from liqbot.runtime.compiled_kernels import use_compiled
from liqbot.venues.registry import mechanics_of

VENUES = ("binance", "bybit", "okx", "bitget", "krakenfutures", "hyperliquid", "gate", "deribit")
SPAN_MS = 60_000
Walk = list[tuple[float, float, float, float]]
"""Low, high, close, USD per bar."""


def walk(bars: int, seed: int) -> Walk:
    chance, price, found = random.Random(seed), 60_000.0, []
    for _ in range(bars):
        first, price = price, price * (1 + chance.gauss(0, 0.0007))
        low = min(first, price) * (1 - abs(chance.gauss(0, 0.0002)))
        high = max(first, price) * (1 + abs(chance.gauss(0, 0.0002)))
        found.append((low, high, price, chance.expovariate(1 / 5e6)))
    return found


def estimate_us(path: Walk, venues: int) -> tuple[float, Positions, float]:
    """Microseconds per venue-bar of the estimate alone (sweep, decay, open, bound), all venues in one array."""
    params = EstimateParams()
    state = PositionState.empty(len(params.smear_factors), np.array(params.leverage_mix))
    positions = Positions(state, ClosingRate(params.leverages, params.close_h))
    for venue in (VENUES * 3)[:venues]:
        ratios = mechanics_of(venue, "BTC").ratios(params.leverages).tolist()
        state.add_venue(np.array([[shift_of(ratio) for ratio in side] for side in ratios]))
    rows, most_usd = np.arange(venues), np.full((venues, 2), 3e9)
    began = time.process_time()
    for low, high, _, usd in path:
        at = position_of(low), position_of(high)
        positions.centre(at[0])
        positions.decay(SPAN_MS)
        swept = np.repeat(np.array(at)[:, None], venues, axis=1)
        positions.touch(rows, *swept)
        positions.open(rows, swept, np.full((venues, 2), 0.1 * usd), swept)
        positions.bound(most_usd)
    spent = time.process_time() - began
    return spent / len(path) / venues * 1e6, positions, position_of(path[-1][2])


def render_us(positions: Positions) -> float:
    """Microseconds to draw one venue, both sides, all tiers."""
    began = time.process_time()
    for _ in range(50):
        for row in range(positions.state.rows):
            positions.line(row, LONG)
            positions.line(row, SHORT)
    return (time.process_time() - began) / 50 / positions.state.rows * 1e6


def market_us(path: Walk, venues: int) -> float:
    """Microseconds per venue-bar of the whole market floor: fold, map, clusters, sweeps, view."""
    names = VENUES[:venues]
    roster = Roster(names, ("BTC",))
    blocks = []
    for number, (low, high, close, usd) in enumerate(path):
        at_ms = 1_700_000_000_000 + number * SPAN_MS
        events: list[MarketEvent] = [
            TradeBar(time_ms=at_ms, venue=venue, coin="BTC", span_ms=SPAN_MS, open=close, high=high, low=low,
                     close=close, volume_usd=usd)
            for venue in names
        ]
        if number % 5 == 0:
            events += [OpenInterest(time_ms=at_ms, venue=venue, coin="BTC", oi_usd=5e9) for venue in names]
        blocks.append(block_of(events, roster, tick_ms=at_ms))
    market = Market(MarketParams(), roster, names[0])
    began = time.process_time()
    for block in blocks:
        market.collect(block)
        market.on_tick(block.tick_ms or 0)
    return (time.process_time() - began) / len(path) / venues * 1e6


def yardstick_us(path: Walk, venues: int) -> float:
    """Microseconds per venue-bar of a bare bincount per leverage, bars one by one as they would come live."""
    table, leverages = edges(), EstimateParams().leverages
    count = len(table)
    began = time.process_time()
    for low, high, _, usd in path:
        for _ in range(venues):
            entries = np.linspace(low, high, 4)
            weights = np.full(4, usd / 4)
            for leverage in leverages:
                at = np.searchsorted(table, entries * (1 - 1 / leverage))
                first = int(at[0])
                np.bincount(at - first, weights, minlength=min(8, count))
    return (time.process_time() - began) / len(path) / venues * 1e6


def measured(asked: argparse.Namespace) -> Iterator[Figure]:
    path = walk(asked.bars, asked.seed)
    use_compiled()
    _, positions, _ = estimate_us(path, asked.venues)

    def cost(measure: Callable[[], float]) -> float:
        return statistics.median(measure() for _ in range(asked.rounds))

    bare = cost(lambda: yardstick_us(path[:500], asked.venues))
    several = f"{asked.venues} venues"
    rows = (
        (f"estimate updated by a bar, {several} in one array", cost(lambda: estimate_us(path, asked.venues)[0]), 15.0),
        ("estimate updated by a bar, one venue", cost(lambda: estimate_us(path, 1)[0]), 15.0),
        ("one venue drawn", cost(lambda: render_us(positions)), 83.0),
        (f"whole market tick, {several}", cost(lambda: market_us(path, asked.venues)), None),
        ("whole market tick, one venue", cost(lambda: market_us(path, 1)), None),
    )
    for name, spent_us, goal in rows:
        yield Figure(work=name, value=spent_us, unit="CPU us per venue-bar", goal=goal, at_most=True,
                     beside="bare bincount per leverage", beside_value=bare)
    yield Figure(work="memory of the estimate", unit="MB per venue and coin", goal=1.5, at_most=True,
                 value=positions.state.cells.nbytes / positions.state.rows / 1e6)


def reader() -> argparse.ArgumentParser:
    words = arguments(__doc__, seed=1)
    for name, default in (("venues", 8), ("bars", 2_000), ("rounds", 3)):
        words.add_argument(f"--{name}", type=int, default=default)
    return words


if __name__ == "__main__":
    sys.exit(main(reader(), measured))
