"""What the map costs: one step of the estimate per venue-bar, drawing it, and a whole market tick.

The yardstick is a bare numpy bincount per leverage over the same bars in the same run: no venues, no sides, no removal,
no decay, no bound. Figures are medians over rounds; ratios travel between machines, absolutes do not.

    python bench/map.py [--venues 8] [--bars 3000] [--rounds 3] [--seed 1]
"""

import argparse
import platform
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import numpy as np

from liqbot.blocks import Roster, block_of
from liqbot.events import MarketEvent, OpenInterest, TradeBar
from liqbot.market.estimate.closing_rate import ClosingRate
from liqbot.market.estimate.kernels import LONG, SHORT
from liqbot.market.estimate.positions import Positions
from liqbot.market.estimate.price_grid import edges, position_of, shift_of
from liqbot.market.estimate.state import PositionState
from liqbot.market.market import Market
from liqbot.market.params import EstimateParams, MarketParams
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
    began = time.perf_counter()
    for low, high, _, usd in path:
        at = position_of(low), position_of(high)
        positions.centre(at[0])
        positions.decay(SPAN_MS)
        swept = np.repeat(np.array(at)[:, None], venues, axis=1)
        positions.touch(rows, *swept)
        positions.open(rows, swept, np.full((venues, 2), 0.1 * usd), swept)
        positions.bound(most_usd)
    spent = time.perf_counter() - began
    return spent / len(path) / venues * 1e6, positions, position_of(path[-1][2])


def render_us(positions: Positions) -> float:
    """Microseconds to draw one venue, both sides, all tiers."""
    began = time.perf_counter()
    for _ in range(50):
        for row in range(positions.state.rows):
            positions.line(row, LONG)
            positions.line(row, SHORT)
    return (time.perf_counter() - began) / 50 / positions.state.rows * 1e6


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
    began = time.perf_counter()
    for block in blocks:
        market.collect(block)
        market.on_tick(block.tick_ms or 0)
    return (time.perf_counter() - began) / len(path) / venues * 1e6


def yardstick_us(path: Walk, venues: int) -> float:
    """Microseconds per venue-bar of a bare bincount per leverage, bars one by one as they would come live."""
    table, leverages = edges(), EstimateParams().leverages
    count = len(table)
    began = time.perf_counter()
    for low, high, _, usd in path:
        for _ in range(venues):
            entries = np.linspace(low, high, 4)
            weights = np.full(4, usd / 4)
            for leverage in leverages:
                at = np.searchsorted(table, entries * (1 - 1 / leverage))
                first = int(at[0])
                np.bincount(at - first, weights, minlength=min(8, count))
    return (time.perf_counter() - began) / len(path) / venues * 1e6


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("venues", 8), ("bars", 3000), ("rounds", 3), ("seed", 1)):
        words.add_argument(f"--{name}", type=int, default=default)
    asked = words.parse_args()
    path = walk(asked.bars, asked.seed)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print(f"python {' '.join(sys.argv)}  seed {asked.seed}  commit {commit.stdout.strip() or 'unknown'}")
    print(f"{platform.python_implementation()} {platform.python_version()}, numpy {np.__version__}")
    _, positions, _ = estimate_us(path, asked.venues)
    print(f"memory per venue and coin: {positions.state.cells.nbytes / positions.state.rows / 1e6:.2f} MB (goal 1.5)")

    def cost(measure: Callable[[], float]) -> float:
        return statistics.median(measure() for _ in range(asked.rounds))

    bare = cost(lambda: yardstick_us(path[:500], asked.venues))
    rows = [
        (f"estimate, {asked.venues} venues stacked", cost(lambda: estimate_us(path, asked.venues)[0]), 15),
        ("estimate, one venue alone", cost(lambda: estimate_us(path, 1)[0]), 15),
        ("draw one venue", cost(lambda: render_us(positions)), 83),
        (f"whole market tick, {asked.venues} venues", cost(lambda: market_us(path, asked.venues)), None),
        ("whole market tick, one venue", cost(lambda: market_us(path, 1)), None),
        ("yardstick: bare bincount per leverage", bare, None),
    ]
    print(f"{'per venue-bar':<40} {'us':>8} {'goal':>6} {'x yardstick':>12}")
    for name, spent_us, goal in rows:
        print(f"{name:<40} {spent_us:>8.1f} {goal or '':>6} {spent_us / bare:>12.2f}")


if __name__ == "__main__":
    main()
