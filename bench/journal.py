"""Journal speed: events per second in groups, a durable intent's latency, bytes per event; bare sqlite3 beside it.

    python bench/journal.py [--blocks 1000] [--rows 100] [--seed 7]

The yardstick runs in the same process: `executemany` of the same events as plain rows, one commit per as many rows as
the journal groups, and a bare one-row commit with synchronous=FULL.
"""

import argparse
import contextlib
import gc
import pathlib
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from _figures import Figure, arguments, main

from liqbot.blocks import DTYPES, EventBlock, Roster
from liqbot.journal import Journal, JournalLimits, JournalReader

START_MS = 1_750_000_000_000
GROUP_ROWS = 20_000


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


def journal_speed(folder: pathlib.Path, blocks: list[EventBlock]) -> tuple[float, float, float]:
    """Events written per second, bytes that they take, events read per second."""
    path = folder / "journal.sqlite"
    limits = JournalLimits(group_rows=GROUP_ROWS, queue_rows_max=50_000_000)
    roster = Roster(tuple("abcdefghijklmnopqrstuvwx"), ("BTC",))
    events = sum(block.market_rows for block in blocks)
    journal = Journal.open(path, mode="paper", account="bench", roster=roster, limits=limits)
    began_s = time.process_time()
    for n, block in enumerate(blocks):
        journal.append(block, "bench", n)
    journal.close()
    written_s = time.process_time() - began_s
    with JournalReader(path) as reader:
        began_s = time.process_time()
        read = sum(block.market_rows for block in reader.blocks())
        read_s = time.process_time() - began_s
    assert read == events
    with contextlib.closing(sqlite3.connect(path)) as connection:
        stored = connection.execute("SELECT sum(length(rows)) FROM market").fetchone()[0]
    path.unlink()
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
    began_s = time.process_time()
    for at in range(0, len(whole), GROUP_ROWS):
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO event VALUES (?,?,?,?,?,?,?,?,?)", whole[at : at + GROUP_ROWS])
        connection.execute("COMMIT")
    took_s = time.process_time() - began_s
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


def measured(asked: argparse.Namespace) -> Iterator[Figure]:
    blocks = made_blocks(asked.blocks, asked.rows, asked.seed)
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = pathlib.Path(name)
        ours, bare = [], []
        for _ in range(asked.rounds):
            gc.collect()
            ours.append(journal_speed(folder, blocks))
            bare.append(yardstick_speed(folder, blocks))
        durable, commits = durable_ms(folder, asked.intents)
    written, stored_bytes, read = (statistics.median(values) for values in zip(*ours, strict=True))
    events = sum(block.market_rows for block in blocks)
    plain = {"beside": "executemany of plain rows", "beside_value": statistics.median(bare)}
    yield Figure(work="journal written in groups", value=written, unit="events per CPU second", goal=200_000.0, **plain)
    yield Figure(work="journal read back", value=read, unit="events per CPU second", goal=200_000.0, **plain)
    yield Figure(work="journal on disk", value=stored_bytes / events, unit="bytes per event")
    for share, goal_ms in ((0.5, 1.0), (0.99, None)):
        yield Figure(
            work=f"an intent durable, p{100 * share:.0f}", value=quantile(durable, share), unit="ms by the clock",
            goal=goal_ms, at_most=True, beside="a bare commit, synchronous=FULL", beside_value=quantile(commits, share),
        )


def quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def reader() -> argparse.ArgumentParser:
    parser = arguments(__doc__, seed=7)
    for name, default in (("blocks", 1_000), ("rows", 100), ("intents", 300), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    return parser


if __name__ == "__main__":
    sys.exit(main(reader(), measured))
