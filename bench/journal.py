"""Journal speed: events per second in groups, a durable intent's latency, bytes per event; bare sqlite3 beside it.

    python bench/journal.py [--blocks 3000] [--rows 100] [--seed 7]

The yardstick runs in the same process: `executemany` of the same events as plain rows, one commit per as many rows as
the journal groups, and a bare one-row commit with synchronous=FULL.
"""

import argparse
import gc
import json
import pathlib
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

from liqbot.blocks import DTYPES, EventBlock, Roster
from liqbot.journal import Journal, JournalLimits, JournalReader

START_MS = 1_750_000_000_000
GROUP_ROWS = 20_000
REPEATS = 3


class Intent:
    """A step with a command, of the usual size."""

    verdicts = decisions = ()
    commands = ("order",)

    def encoded(self) -> bytes:
        return b"x" * 600


def made_blocks(count: int, rows: int, seed: int) -> list[EventBlock]:
    """Steps of one second: two thirds trade bars, the rest marks and forced orders, prices as a random walk."""
    rng = np.random.default_rng(seed)
    blocks, price = [], 60_000.0
    for n in range(count):
        bars = np.zeros(rows * 2 // 3, DTYPES["bars"])
        marks = np.zeros(rows - bars.size - rows // 10, DTYPES["marks"])
        forced = np.zeros(rows // 10, DTYPES["liquidations"])
        price = round(price * (1 + rng.normal() * 1e-4), 1)
        for columns in (bars, marks, forced):
            columns["time_ms"], columns["venue"] = START_MS + n * 1_000, rng.integers(0, 24, columns.size)
        bars["span_ms"] = 1_000
        for name in ("open", "high", "low", "close"):
            bars[name] = price + rng.integers(-50, 50, bars.size) / 10
        bars["volume_usd"] = rng.integers(1, 10**7, bars.size) / 100
        bars["buy_usd"] = bars["volume_usd"] / 2
        bars["sell_usd"] = bars["volume_usd"] / 2
        marks["mark_price"], marks["index_price"] = price, np.nan
        forced["side"], forced["price"] = 1, price
        forced["size_usd"] = rng.integers(1, 10**7, forced.size) / 100
        blocks.append(EventBlock(bars=bars, marks=marks, liquidations=forced, tick_ms=START_MS + n * 1_000))
    return blocks


def journal_speed(folder: pathlib.Path, blocks: list[EventBlock]) -> tuple[float, int, float]:
    path = folder / "journal.sqlite"
    limits = JournalLimits(group_rows=GROUP_ROWS, queue_rows_max=50_000_000)
    roster = Roster(tuple("abcdefghijklmnopqrstuvwx"), ("BTC",))
    journal = Journal.open(path, mode="paper", account="bench", roster=roster, limits=limits)
    began = time.perf_counter()
    for n, block in enumerate(blocks):
        journal.append(block, "bench", n)
    appended_s = time.perf_counter() - began
    journal.close()
    written_s = time.perf_counter() - began
    with JournalReader(path) as reader:
        stored = reader._connection.execute("SELECT sum(length(rows)) FROM market").fetchone()[0]
        began = time.perf_counter()
        read = sum(block.market_rows for block in reader.blocks())
        read_s = time.perf_counter() - began
    events = sum(block.market_rows for block in blocks)
    assert read == events
    path.unlink()
    print(f"  append alone {appended_s:.3f} s, read back {events / read_s:,.0f}/s", file=sys.stderr)
    return events / written_s, stored, events / read_s


def yardstick_speed(folder: pathlib.Path, blocks: list[EventBlock]) -> float:
    rows = [
        (n, kind, *row)
        for n, block in enumerate(blocks)
        for kind in ("bars", "marks", "liquidations")
        for row in (block.rows(kind)[["time_ms", "venue", "coin"]].tolist())
    ]
    values = np.random.default_rng(1).random((len(rows), 4)).tolist()
    whole = [(*row, *more) for row, more in zip(rows, values, strict=True)]
    path = folder / "yardstick.sqlite"
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute("CREATE TABLE event (seq, kind, time_ms, venue, coin, a, b, c, d)")
    began = time.perf_counter()
    for at in range(0, len(whole), GROUP_ROWS):
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO event VALUES (?,?,?,?,?,?,?,?,?)", whole[at : at + GROUP_ROWS])
        connection.execute("COMMIT")
    took_s = time.perf_counter() - began
    connection.close()
    path.unlink()
    return len(whole) / took_s


def durable_ms(folder: pathlib.Path, count: int) -> tuple[list[float], list[float]]:
    """append + record + durable, as the runtime does before a command leaves; and a bare commit, by turns."""
    ours, bare = [], []
    connection = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("CREATE TABLE intent (seq INTEGER PRIMARY KEY, step BLOB)")
    roster = Roster(("a",), ("BTC",))
    with Journal.open(folder / "durable.sqlite", mode="paper", account="bench", roster=roster) as journal:
        for n in range(count):
            began = time.perf_counter()
            connection.execute("INSERT INTO intent VALUES (?, ?)", (n, b"x" * 600))
            bare.append((time.perf_counter() - began) * 1e3)
            began = time.perf_counter()
            seq = journal.append(EventBlock(tick_ms=START_MS + n), "bench", n)
            journal.record(seq, Intent())
            journal.wait_durable(seq)
            ours.append((time.perf_counter() - began) * 1e3)
    connection.close()
    return ours, bare


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--blocks", type=int, default=3_000)
    parser.add_argument("--rows", type=int, default=100)
    parser.add_argument("--intents", type=int, default=500)
    parser.add_argument("--seed", type=int, default=7)
    asked = parser.parse_args()
    revision = ["git", "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(revision, capture_output=True, text=True, check=False).stdout.strip()
    blocks = made_blocks(asked.blocks, asked.rows, asked.seed)
    events = sum(block.market_rows for block in blocks)
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = pathlib.Path(name)
        ours, bare, read = [], [], []
        for _ in range(REPEATS):
            gc.collect()
            speed, stored, read_speed = journal_speed(folder, blocks)
            ours.append(speed)
            read.append(read_speed)
            bare.append(yardstick_speed(folder, blocks))
        durable, commits = durable_ms(folder, asked.intents)
    durable_p50, bare_p50 = statistics.median(durable), statistics.median(commits)
    print(json.dumps({
        "command": " ".join(["python", *sys.argv]), "commit": commit, "seed": asked.seed, "events": events,
        "journal_events_per_s": round(statistics.median(ours)),
        "bare_executemany_events_per_s": round(statistics.median(bare)),
        "ratio": round(statistics.median(ours) / statistics.median(bare), 2),
        "read_events_per_s": round(statistics.median(read)),
        "bytes_per_event": round(stored / events, 1),
        "durable_ms_p50": round(durable_p50, 3), "durable_ms_p99": round(sorted(durable)[len(durable) * 99 // 100], 3),
        "bare_full_commit_ms_p50": round(bare_p50, 3), "durable_ratio": round(durable_p50 / bare_p50, 2),
        "goal": "events/s >= 200,000; durable p50 <= 1 ms",
    }, indent=2))


if __name__ == "__main__":
    main()
