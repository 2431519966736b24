"""A market made for benchmarks: bars of a walk with jumps, open interest each step, funding every eight hours."""

from pathlib import Path
from typing import Final

import numpy as np

from liqbot.blocks import DTYPES, EventBlock, Roster, Rows
from liqbot.venues.registry import VENUES as KNOWN
from paper.tapes.reader import Tape, read_tape
from paper.tapes.writer import write_tape

START_MS: Final = 1_700_000_000_000
MINUTE_MS: Final = 60_000
FUNDING_MS: Final = 8 * 3_600_000
FIRST: Final = ("binance", "bybit", "okx", "bitget", "gate", "hyperliquid", "krakenfutures", "deribit")
VENUES: Final = (*FIRST, *(venue for venue in KNOWN if venue not in FIRST))
"""The first of them is where trades happen."""
COINS: Final = ("BTC", "ETH", "SOL", "XRP", "DOGE", "ADA", "AVAX", "LINK", "LTC", "BCH")


def columns(steps: int, venues: int, seed: int, *, coins: int = 1, span_ms: int = MINUTE_MS) -> dict[str, Rows]:
    """Rows by kind, in order of time."""
    rng = np.random.default_rng(seed)
    time_ms = START_MS + span_ms * np.arange(1, steps + 1)
    bars = np.empty((steps, coins, venues), DTYPES["bars"])
    interest = np.empty((steps, coins, venues), DTYPES["open_interest"])
    every = max(1, FUNDING_MS // span_ms)
    funding = np.empty((steps // every, coins, venues), DTYPES["funding"])
    for coin in range(coins):
        path = _walk(steps, rng, span_ms)
        for venue in range(venues):
            _fill_bars(bars[:, coin, venue], path, 1.0 + 1e-4 * venue, rng, span_ms)
            interest[:, coin, venue]["oi_usd"] = 2e9 * np.cumprod(1.0 + rng.normal(0.0, 3e-4, steps))
            funding[:, coin, venue]["rate_pct"] = rng.normal(0.01, 0.02, len(funding))
    funding["interval_h"] = 8.0
    found = {"bars": bars, "open_interest": interest, "funding": funding}
    for name, rows in found.items():
        times = time_ms[every - 1 :: every][: len(funding)] if name == "funding" else time_ms
        rows["time_ms"], rows["coin"] = times[:, None, None], np.arange(coins)[None, :, None]
        rows["venue"] = np.arange(venues)[None, None, :]
    return {name: rows.ravel() for name, rows in found.items()}


def _walk(steps: int, rng: np.random.Generator, span_ms: int) -> dict[str, np.ndarray]:
    minutes = span_ms / MINUTE_MS
    moves = rng.normal(0.0, 6e-4 * minutes**0.5, steps)
    moves += (rng.random(steps) < 1e-3 * minutes) * rng.normal(0.0, 2e-2, steps)
    close = 60_000.0 * np.cumprod(1.0 + moves)
    wick = np.abs(rng.normal(0.0, 4e-4 * minutes**0.5, (2, steps)))
    return {"before": np.concatenate(([60_000.0], close[:-1])), "close": close, "moves": moves,
            "up": wick[0], "down": wick[1]}


def _fill_bars(
    row: Rows, path: dict[str, np.ndarray], basis: float, rng: np.random.Generator, span_ms: int
) -> None:
    steps = len(row)
    row["span_ms"] = span_ms
    row["open"], row["close"] = np.round(path["before"] * basis, 1), np.round(path["close"] * basis, 1)
    row["high"] = np.round(np.maximum(row["open"], row["close"]) * (1.0 + path["up"]), 1)
    row["low"] = np.round(np.minimum(row["open"], row["close"]) * (1.0 - path["down"]), 1)
    volume_usd = rng.lognormal(15.0, 1.0, steps) * (1.0 + 2e3 * np.abs(path["moves"])) * (span_ms / MINUTE_MS)
    row["volume_usd"] = np.round(volume_usd, 2)
    row["buy_usd"] = np.round(row["volume_usd"] * rng.uniform(0.35, 0.65, steps), 2)
    row["sell_usd"] = row["volume_usd"] - row["buy_usd"]


def made_tape(path: Path, steps: int, venues: int, seed: int, *, coins: int = 1, span_ms: int = MINUTE_MS) -> Tape:
    """The market on a tape, read back."""
    roster = Roster(VENUES[:venues], COINS[:coins])
    write_tape(path, [EventBlock(**columns(steps, venues, seed, coins=coins, span_ms=span_ms))], roster)
    return read_tape(path)
