"""A map from a million trades that are columns already: how long it takes, and whether every bin is right.

Trades become bars of a minute, bars open positions, and the map is drawn: no price touches anything, nobody closes, so
that what must be in every bin follows from the trades alone. The reference adds the same up in whole numbers of 2**-80
USD, bin by bin, in a loop of its own; a bin is wrong where it differs by more than a billionth, or holds anything where
nothing belongs. The yardstick is a bare `numpy.bincount` of all trades per leverage.

    python bench/map_trades.py [--trades 1000000] [--rounds 3] [--seed 7]
"""

import argparse
import math
import statistics
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

from _figures import Figure, arguments, main

from liqbot.market.estimate.closing_rate import ClosingRate
from liqbot.market.estimate.kernels import LONG, SHORT, USD
from liqbot.market.estimate.positions import Positions
from liqbot.market.estimate.price_grid import edges, positions_of, shift_of
from liqbot.market.estimate.state import PositionState
from liqbot.market.params import EstimateParams
from liqbot.runtime.compiled_kernels import use_compiled
from liqbot.venues.registry import mechanics_of

MINUTE_MS: Final = 60_000
UNIT_BITS: Final = 80
NO_WIDTH: Final = 1e-3
"""Bins: what traded at one price opens positions in this narrow a range."""
TOLERANCE: Final = 1e-9
NO_SWEEP: Final = np.array([[math.inf], [-math.inf]])
"""(low, high) of a mark that has not moved: nothing is closed again."""


class Trades(NamedTuple):
    time_ms: np.ndarray
    price: np.ndarray
    usd: np.ndarray


class Bars(NamedTuple):
    low: np.ndarray
    high: np.ndarray
    usd: np.ndarray


def made(count: int, seed: int) -> Trades:
    """Of a day, in order of time."""
    rng = np.random.default_rng(seed)
    time_ms = np.sort(rng.integers(0, 1_440 * MINUTE_MS, count))
    price = np.round(60_000.0 * np.cumprod(1.0 + rng.normal(0.0, 2e-5, count)), 1)
    return Trades(time_ms, price, np.round(rng.lognormal(7.0, 1.5, count), 2))


def coalesced(trades: Trades) -> Bars:
    """Bars of a minute."""
    slots = trades.time_ms // MINUTE_MS
    starts = np.flatnonzero(np.diff(slots, prepend=-1))
    return Bars(np.minimum.reduceat(trades.price, starts), np.maximum.reduceat(trades.price, starts),
                np.add.reduceat(trades.usd, starts))


def empty(price: float) -> Positions:
    """Of one venue, around a price."""
    params = EstimateParams()
    state = PositionState.empty(len(params.smear_factors), np.array(params.leverage_mix))
    positions = Positions(state, ClosingRate(params.leverages, params.close_h))
    ratios = mechanics_of("binance", "BTC").ratios(params.leverages).tolist()
    state.add_venue(np.array([[shift_of(ratio) for ratio in side] for side in ratios]))
    positions.centre(positions_of([price])[0])
    return positions


def folded(bars: Bars, price: float) -> Positions:
    """Every bar opens as many longs as shorts."""
    positions, row = empty(price), np.zeros(1, np.int64)
    lows, highs = positions_of(bars.low.tolist()), positions_of(bars.high.tolist())
    for low, high, usd in zip(lows, highs, bars.usd.tolist(), strict=True):
        positions.open(row, np.array([[low], [high]]), np.full((1, 2), usd / 2.0), NO_SWEEP)
    return positions


def mapped(trades: Trades) -> tuple[np.ndarray, np.ndarray]:
    positions = folded(coalesced(trades), float(trades.price[0]))
    return positions.line(0, LONG)[1], positions.line(0, SHORT)[1]


def whole(value: float) -> int:
    """In units of 2**-UNIT_BITS; exact for what is no smaller."""
    numerator, denominator = float(value).as_integer_ratio()
    return (numerator << UNIT_BITS) // denominator


def whole_shares(low: float, high: float) -> Iterator[tuple[int, int]]:
    """(bin of the price grid, share of the range that lies in it, in units)."""
    lacking = max(NO_WIDTH - (high - low), 0.0) / 2.0
    first, last = whole(low - lacking), whole(high + lacking)
    for number in range(first >> UNIT_BITS, (last >> UNIT_BITS) + 1):
        inside = min(last, (number + 1) << UNIT_BITS) - max(first, number << UNIT_BITS)
        yield number, (inside << UNIT_BITS) // (last - first)


def reference(bars: Bars, price: float) -> dict[tuple[int, int, int], int]:
    """Units of USD by (side, tier, bin of the price grid); distances and weights are those that were told."""
    state, found = empty(price).state, dict[tuple[int, int, int], int]()
    placed, tiers = state.placement, range(len(state.clock))
    lows, highs = positions_of(bars.low.tolist()), positions_of(bars.high.tolist())
    for number, (low, high, usd) in enumerate(zip(lows, highs, bars.usd.tolist(), strict=True), 1):
        at = (state.offset + number) % len(state.shift)
        shares = list(whole_shares(low, high))
        for side, tier in ((side, tier) for side in (LONG, SHORT) for tier in tiers):
            opened = whole(usd / 2.0) * whole(placed.weight[0, side, tier]) >> UNIT_BITS
            distance = int(placed.whole[at][0, side, tier])
            pieces = [whole(values[at][0, side, tier, 0]) for values in (placed.rest, placed.part)]
            for entry, share in shares:
                for further, piece in enumerate(pieces):
                    key = side, tier, entry + distance + further
                    found[key] = found.get(key, 0) + (opened * share >> UNIT_BITS) * piece
    return {key: value >> UNIT_BITS for key, value in found.items()}


def wrong_bins(state: PositionState, exact: dict[tuple[int, int, int], int]) -> int:
    """Of all sides and tiers; the ends of the window hold whatever lies beyond it too and are left out."""
    cells = state.cells[USD, 0] * state.scale[0][:, :, None]
    wrong, seen = 0, np.zeros(cells.shape, bool)
    for (side, tier, place), value in exact.items():
        column = place - state.first_bin
        if 0 < column < cells.shape[2] - 1:
            usd, seen[side, tier, column] = value / 2.0**UNIT_BITS, True
            wrong += not abs(cells[side, tier, column] - usd) <= TOLERANCE * max(usd, TOLERANCE)
    return wrong + int(np.count_nonzero(cells[:, :, 1:-1][~seen[:, :, 1:-1]]))


def bare_s(trades: Trades) -> float:
    """A bincount of all trades, once for each leverage."""
    table, began_s = edges(), time.process_time()
    for leverage in EstimateParams().leverages:
        at = np.searchsorted(table, trades.price * (1.0 - 1.0 / leverage))
        np.bincount(at - at.min(), trades.usd)
    return time.process_time() - began_s


def measured(asked: argparse.Namespace) -> Iterator[Figure]:
    trades = made(asked.trades, asked.seed)
    use_compiled()
    mapped(trades)
    spent_ms = []
    for _ in range(asked.rounds):
        began_s = time.process_time()
        mapped(trades)
        spent_ms.append((time.process_time() - began_s) * 1e3)
    bare_ms = statistics.median(bare_s(trades) for _ in range(asked.rounds)) * 1e3
    yield Figure(
        work=f"map from {asked.trades:,} trades in columns", value=statistics.median(spent_ms), unit="CPU ms",
        goal=50.0 * asked.trades / 1e6, at_most=True, beside="bincount of them per leverage", beside_value=bare_ms,
        note="trades become bars of a minute by `reduceat`; positions are opened and drawn by the product",
    )
    bars, price = coalesced(trades), float(trades.price[0])
    exact = reference(bars, price)
    yield Figure(work="bins of it that are wrong", value=float(wrong_bins(folded(bars, price).state, exact)),
                 unit=f"of {len(exact):,}", goal=0.0, at_most=True, beside="whole numbers, bin by bin")


def reader() -> argparse.ArgumentParser:
    parser = arguments(__doc__, seed=7)
    for name, default in (("trades", 1_000_000), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    return parser


if __name__ == "__main__":
    sys.exit(main(reader(), measured))
