"""What the reading verbs take on a long journal of a backtest: `map`, `map --at`, `check`, `explain`, `decisions`.

The journal is that of a backtest of the made market; each verb is a process of its own, in seconds of the processor,
beside a bare interpreter. Times asked for with `--at` are drawn with the seed. The size of the journal, and how much of
it snapshots take, are said too.

    python bench/reading.py [--days 1] [--venues 1] [--asked 2] [--seed 7]
"""

import argparse
import contextlib
import random
import sqlite3
import statistics
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent))

from _figures import Figure, arguments, main
from _made_market import MINUTE_MS, START_MS, made_tape
from startup import cpu_s, liqbot

from liqbot import places
from liqbot.settings import settings_model
from paper.backtest.run import backtest

GOAL_S: Final = 1.0
DAY: Final = 1_440
POSITION: Final = ("--side", "long", "--entry", "60000", "--leverage", "5", "--venue", "binance")


def measured(asked: argparse.Namespace) -> Iterator[Figure]:
    chance, minutes = random.Random(asked.seed), int(asked.days * DAY)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        tape = made_tape(folder / "tape.parquet", minutes, asked.venues, asked.seed)
        backtest(tape, settings_model()(), profile="defaults", data=folder)
        times = [str(START_MS + MINUTE_MS * chance.randrange(minutes // 10, minutes)) for _ in range(asked.asked)]
        verbs = {
            "map": [("map",)],
            "map --at": [("map", "--at", one) for one in times],
            "check --at": [("check", *POSITION, "--at", one) for one in times],
            "explain 1": [("explain", "1")],
            "decisions": [("decisions",)],
        }
        bare = statistics.median(cpu_s([sys.executable, "-c", "pass"]) for _ in range(3))
        for verb, commands in verbs.items():
            taken = [cpu_s(liqbot(*words, "--data", name)) for words in commands]
            yield Figure(
                work=f"`liqbot {verb}` on {asked.days:g} days of {asked.venues} venues", value=max(taken),
                unit="CPU s at most", goal=GOAL_S, at_most=True, beside="a bare interpreter", beside_value=bare,
            )
        yield from sizes(folder, asked.days)


def sizes(folder: Path, days: float) -> Iterator[Figure]:
    path = places.journal_path(folder)
    with contextlib.closing(sqlite3.connect(path)) as connection:
        count, stored = connection.execute("SELECT count(*), sum(length(data)) FROM snapshot").fetchone()
    yield Figure(work="journal of a backtest on disk", value=path.stat().st_size / 1e6 / days, unit="MB a day",
                 note=f"{count} snapshots, {stored / 1e6 / days:.2f} MB a day of it")


def reader() -> argparse.ArgumentParser:
    parser = arguments(__doc__, seed=7)
    parser.add_argument("--days", type=float, default=1.0)
    parser.add_argument("--venues", type=int, default=1)
    parser.add_argument("--asked", type=int, default=2)
    return parser


if __name__ == "__main__":
    sys.exit(main(reader(), measured))
