"""Bars per second of the whole house on one and on eight venues, and its peak memory, beside the goals.

Each run is a process of its own, because peak memory never falls again. The yardstick is a bare Python loop over the
same bars in the same run: the ratio is what carries over to another machine.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from liqbot.blocks import DTYPES, EventBlock, Roster  # noqa: E402
from liqbot.settings import settings_model  # noqa: E402
from paper.backtest.run import backtest, peak_memory_mb  # noqa: E402
from paper.sessions.tape_settings import fitted  # noqa: E402
from paper.tapes.reader import Tape, read_tape  # noqa: E402
from paper.tapes.writer import write_tape  # noqa: E402

START_MS = 1_700_000_000_000
MINUTE_MS = 60_000
VENUES = ("binance", "bybit", "okx", "bitget", "gate", "hyperliquid", "krakenfutures", "deribit")
GOAL = {1: 50_000, 8: 50_000}
GOAL_MEMORY_MB = 400


def columns(minutes: int, venues: int, seed: int) -> dict[str, np.ndarray]:
    """Minute bars of a random walk with jumps; open interest each minute, funding every eight hours."""
    rng = np.random.default_rng(seed)
    steps = rng.normal(0.0, 6e-4, minutes) + (rng.random(minutes) < 1e-3) * rng.normal(0.0, 2e-2, minutes)
    close = 60_000.0 * np.cumprod(1.0 + steps)
    before = np.concatenate(([60_000.0], close[:-1]))
    wick = np.abs(rng.normal(0.0, 4e-4, (2, minutes)))
    bars = np.empty((minutes, venues), DTYPES["bars"])
    interest = np.empty((minutes, venues), DTYPES["open_interest"])
    time_ms = START_MS + MINUTE_MS * np.arange(1, minutes + 1)
    for venue in range(venues):
        basis = 1.0 + 1e-4 * venue
        row = bars[:, venue]
        row["time_ms"], row["venue"], row["coin"], row["span_ms"] = time_ms, venue, 0, MINUTE_MS
        row["open"], row["close"] = np.round(before * basis, 1), np.round(close * basis, 1)
        row["high"] = np.round(np.maximum(row["open"], row["close"]) * (1.0 + wick[0]), 1)
        row["low"] = np.round(np.minimum(row["open"], row["close"]) * (1.0 - wick[1]), 1)
        row["volume_usd"] = np.round(rng.lognormal(15.0, 1.0, minutes) * (1.0 + 2e3 * np.abs(steps)), 2)
        row["buy_usd"] = np.round(row["volume_usd"] * rng.uniform(0.35, 0.65, minutes), 2)
        row["sell_usd"] = row["volume_usd"] - row["buy_usd"]
        open_interest = interest[:, venue]
        open_interest["time_ms"], open_interest["venue"], open_interest["coin"] = time_ms, venue, 0
        open_interest["oi_usd"] = 2e9 * np.cumprod(1.0 + rng.normal(0.0, 3e-4, minutes))
    funding = np.empty((minutes // 480, venues), DTYPES["funding"])
    for venue in range(venues):
        row = funding[:, venue]
        row["time_ms"], row["venue"], row["coin"] = time_ms[479::480][: len(funding)], venue, 0
        row["rate_pct"], row["interval_h"] = rng.normal(0.01, 0.02, len(funding)), 8.0
    return {"bars": bars.ravel(), "open_interest": interest.ravel(), "funding": funding.ravel()}


def synthetic_tape(path: Path, minutes: int, venues: int, seed: int) -> None:
    write_tape(path, [EventBlock(**columns(minutes, venues, seed))], Roster(VENUES[:venues], ("BTC",)))


def bare_loop(tape: Tape) -> float:
    """Bars per second of a Python loop that only adds up volume and tracks the range."""
    bars = [row for block in tape.blocks() for row in block.bars[["high", "low", "volume_usd"]].tolist()]
    started_s = time.perf_counter()
    volume, highest, lowest = 0.0, 0.0, float("inf")
    for high, low, volume_usd in bars:
        volume += volume_usd
        highest = max(highest, high)
        lowest = min(lowest, low)
    return len(bars) / (time.perf_counter() - started_s)


def one_run(path: Path, *, journal: bool) -> dict[str, float]:
    """In this process: read, run, measure. The yardstick comes after, so that its rows are not in the peak."""
    tape = read_tape(path)
    with tempfile.TemporaryDirectory() as data:
        report = backtest(tape, settings_model()(), profile="defaults", data=Path(data) if journal else None)
    peak_mb = peak_memory_mb()
    assert report.speed is not None
    settings = fitted(settings_model()(), tape)
    return {
        "bars": report.bars, "bars_per_s": report.speed.bars_per_s, "seconds": report.speed.seconds,
        "peak_mb": peak_mb, "approvals": report.approvals, "venues": len(settings.venues), "bare_loop": bare_loop(tape),
    }  # fmt: skip


def measured(path: Path, runs: int, *, journal: bool) -> dict[str, float]:
    """Median of several processes."""
    command = [sys.executable, __file__, "--one", str(path), *(["--journal"] if journal else [])]
    answers = [subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(runs)]
    found = [json.loads(answer) for answer in answers]
    return {name: statistics.median(one[name] for one in found) for name in found[0]}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=int, default=20_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--journal", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.one is not None:
        print(json.dumps(one_run(chosen.one, journal=chosen.journal)))
        return
    print(f"command: {' '.join(sys.argv)}; seed {chosen.seed}; commit {commit()}; "
          f"median of {chosen.runs} runs, {chosen.minutes:,} minutes of synthetic bars")
    with tempfile.TemporaryDirectory() as folder:
        for venues in (1, 8):
            path = Path(folder) / f"{venues}.parquet"
            synthetic_tape(path, chosen.minutes, venues, chosen.seed)
            for journal in (False, True):
                say(venues, measured(path, chosen.runs, journal=journal), journal=journal)


def commit() -> str:
    words = ["git", "rev-parse", "--short", "HEAD"]
    asked = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    return asked.stdout.strip() or "unknown"


def say(venues: int, found: dict[str, float], *, journal: bool) -> None:
    name = f"backtest {venues} venue{'s' if venues > 1 else ''}{', journal written' if journal else ''}"
    print(f"{name}: {found['bars_per_s']:,.0f} venue-bars/s "
          f"(goal {GOAL[venues]:,}), 1/{found['bare_loop'] / found['bars_per_s']:,.0f} of a bare loop "
          f"({found['bare_loop']:,.0f}/s); {found['bars']:,.0f} bars in {found['seconds']:.2f} s; "
          f"peak {found['peak_mb']:.0f} MB (goal {GOAL_MEMORY_MB} for 3 years); {found['approvals']:.0f} approvals")


if __name__ == "__main__":
    main()
