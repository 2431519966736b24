"""Bars per second of the whole house on one and on eight venues, and its peak memory.

Each run is a process of its own, because peak memory never falls again. The yardstick is a bare Python loop over the
same bars in the same run: the ratio is what carries over to another machine.

    python bench/backtest.py [--minutes 3000] [--runs 1] [--seed 7]
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent))

from _figures import Figure, arguments, main
from _made_market import made_tape

from liqbot.runtime.compiled_kernels import use_compiled
from liqbot.settings import settings_model
from paper.backtest.run import backtest, peak_memory_mb
from paper.tapes.reader import Tape, read_tape

PEERS: Final = ("peers seen elsewhere, one venue, a trivial rule, no map: jesse 41-54k bars/s, nautilus_trader 23-41k, "
                "freqtrade 14-21k; none of them in this run")
GOAL: Final = {1: 50_000.0, 8: 150_000.0}
GOAL_MEMORY_MB: Final = 400.0


def bare_loop(tape: Tape) -> float:
    """Bars per second of a Python loop that only adds up volume and tracks the range."""
    bars = [row for block in tape.blocks() for row in block.bars[["high", "low", "volume_usd"]].tolist()]
    began_s = time.process_time()
    volume, highest, lowest = 0.0, 0.0, float("inf")
    for high, low, volume_usd in bars:
        volume += volume_usd
        highest = max(highest, high)
        lowest = min(lowest, low)
    return len(bars) / (time.process_time() - began_s)


def one_run(path: Path, *, journal: bool) -> dict[str, float]:
    """In this process: read, run, measure. The yardstick comes after, so that its rows are not in the peak."""
    tape = read_tape(path)
    use_compiled()  # half a second, once in a process
    began_s = time.process_time()
    with tempfile.TemporaryDirectory() as data:
        report = backtest(tape, settings_model()(), profile="defaults", data=Path(data) if journal else None)
    cpu_s, peak_mb = time.process_time() - began_s, peak_memory_mb()
    return {"bars": report.bars, "cpu_s": cpu_s, "peak_mb": peak_mb, "approvals": report.approvals,
            "bare_loop": bare_loop(tape)}


def median_run(path: Path, runs: int, *, journal: bool) -> dict[str, float]:
    """Of several processes."""
    command = [sys.executable, __file__, "--one", str(path), *(["--journal"] if journal else [])]
    answers = [subprocess.run(command, check=True, capture_output=True, text=True).stdout for _ in range(runs)]
    found = [json.loads(answer) for answer in answers]
    return {name: statistics.median(one[name] for one in found) for name in found[0]}


def measured(asked: argparse.Namespace) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        for venues in (1, 8):
            path = Path(folder) / f"{venues}.parquet"
            made_tape(path, asked.minutes, venues, asked.seed)
            for journal in (False, True):
                yield from figures(venues, median_run(path, asked.runs, journal=journal), journal=journal)


def figures(venues: int, found: dict[str, float], *, journal: bool) -> Iterator[Figure]:
    name = f"backtest, {venues} venue{'s' if venues > 1 else ''}{', journal and ledger written' if journal else ''}"
    yield Figure(
        work=name, value=found["bars"] / found["cpu_s"], unit="venue-bars per CPU second", goal=GOAL[venues],
        beside="a bare Python loop over the bars", beside_value=found["bare_loop"],
        note=f"{found['bars']:,.0f} minute bars, {found['approvals']:.0f} approvals; {PEERS}",
    )
    if journal:
        yield Figure(work=f"{name}: memory", value=found["peak_mb"], unit="MB at most", goal=GOAL_MEMORY_MB,
                     at_most=True)


def reader() -> argparse.ArgumentParser:
    parser = arguments(__doc__, seed=7)
    parser.add_argument("--minutes", type=int, default=3_000)
    parser.add_argument("--runs", type=int, default=1)
    return parser


if __name__ == "__main__":
    if "--one" in sys.argv:
        print(json.dumps(one_run(Path(sys.argv[sys.argv.index("--one") + 1]), journal="--journal" in sys.argv)))
    else:
        sys.exit(main(reader(), measured))
