"""A tape of one coin on one venue: hourly bars with trends, bursts, open interest and forced orders."""

from pathlib import Path

import numpy as np

from liqbot.blocks import DTYPES, EventBlock, Roster
from paper.tapes.writer import write_tape

HOUR_MS = 3_600_000
FIRST_MS = 1_699_999_200_000


def small_tape(path: Path, hours: int = 240, seed: int = 3) -> Path:
    rng = np.random.default_rng(seed)
    steps = np.clip(rng.standard_t(4, hours) * 0.003, -0.06, 0.06)
    close = np.round(60_000.0 * np.cumprod(1.0 + steps), 1)
    bars = np.zeros(hours, DTYPES["bars"])
    bars["time_ms"], bars["span_ms"] = FIRST_MS + HOUR_MS * np.arange(1, hours + 1), HOUR_MS
    bars["open"], bars["close"] = np.concatenate(([60_000.0], close[:-1])), close
    bars["high"] = np.round(np.maximum(bars["open"], close) * 1.002, 1)
    bars["low"] = np.round(np.minimum(bars["open"], close) * 0.998, 1)
    bars["volume_usd"] = np.round(5e8 * (0.5 + 200.0 * np.abs(steps)), 2)
    bars["buy_usd"] = np.round(bars["volume_usd"] * np.clip(0.5 + 10.0 * steps, 0.1, 0.9), 2)
    bars["sell_usd"] = bars["volume_usd"] - bars["buy_usd"]
    interest = np.zeros(hours, DTYPES["open_interest"])
    interest["time_ms"], interest["oi_usd"] = bars["time_ms"], 5e9
    totals = np.zeros(hours, DTYPES["totals"])
    totals["time_ms"], totals["span_ms"] = bars["time_ms"], HOUR_MS
    totals["long_usd"], totals["short_usd"] = np.where(steps < -0.01, 1e7, 1e4), np.where(steps > 0.01, 1e7, 1e4)
    blocks = [EventBlock(bars=bars, open_interest=interest, totals=totals)]
    write_tape(path, blocks, Roster(("binance",), ("BTC",)))
    return path
