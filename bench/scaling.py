"""How cost grows with what there is more of: venues, coins, days lived, decisions in the ledger.

Each figure is a cost over that of the smallest case in the same run, in seconds of the processor; the goal is the share
by which there is more of it, or 1 where a tick should not care. The fold runs compiled where that loads.

    python bench/scaling.py [--ticks 60] [--days 2] [--decisions 100000] [--seed 7]
"""

import argparse
import contextlib
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

sys.path.insert(0, str(Path(__file__).parent))

from _figures import Figure, arguments, main
from _made_market import made_tape
from startup import cpu_s, liqbot

from liqbot import places
from liqbot.blocks import EventBlock
from liqbot.runtime.compiled_kernels import use_compiled
from liqbot.settings import settings_model
from paper.backtest.run import backtest, house_of, run
from paper.sessions.tape_settings import fitted

WARM: Final = 30
DAY: Final = 1_440
SOME: Final = 1_000
VERBS: Final = (("decisions",), ("decisions", "--by-code"), ("explain", "1"), ("pnl",))


def ticked_s(house: Any, blocks: Sequence[EventBlock]) -> float:
    """Per tick."""
    began_s = time.process_time()
    run(house, blocks)
    return (time.process_time() - began_s) / len(blocks)


def tick_s(folder: Path, venues: int, coins: int, asked: argparse.Namespace) -> float:
    """Of a house that has just begun; the median of three stretches."""
    tape = made_tape(folder / f"{venues} {coins}.parquet", WARM + asked.ticks, venues, asked.seed, coins=coins)
    house, blocks = house_of(fitted(settings_model()(), tape), tape), list(tape.blocks())
    run(house, blocks[:WARM])
    third = asked.ticks // 3
    return statistics.median(ticked_s(house, blocks[at : at + third]) for at in range(WARM, WARM + 3 * third, third))


def over_size(folder: Path, asked: argparse.Namespace) -> Iterator[Figure]:
    one_s = tick_s(folder, 1, 1, asked)
    for venues, coins in ((8, 1), (24, 1), (1, 2), (1, 10)):
        more = max(venues, coins)
        yield Figure(
            work=f"a tick with {f'{venues} venues' if venues > 1 else f'{coins} coins'} over one with one",
            value=tick_s(folder, venues, coins, asked) / one_s, unit="times", goal=float(more), at_most=True,
        )


def over_days(folder: Path, asked: argparse.Namespace) -> Iterator[Figure]:
    tape = made_tape(folder / "days.parquet", int(asked.days * DAY), 1, asked.seed)
    house, blocks = house_of(fitted(settings_model()(), tape), tape), list(tape.blocks())
    hour = 60
    run(house, blocks[: 3 * hour])
    early_s = ticked_s(house, blocks[3 * hour : 4 * hour])
    run(house, blocks[4 * hour : -hour])
    yield Figure(work=f"a tick after {asked.days:g} days over one after three hours", unit="times", goal=1.1,
                 value=ticked_s(house, blocks[-hour:]) / early_s, at_most=True)


def multiplied(path: Path, decisions: int) -> None:
    """As many decisions as asked for, each a copy of one that was made."""
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        names = [row[1] for row in connection.execute("PRAGMA table_info(decision)")]
        others = ", ".join(f'"{name}"' for name in names if name != "id")
        (first, count) = connection.execute("SELECT max(id), count(*) FROM decision").fetchone()
        ids = f"WITH RECURSIVE more(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM more WHERE n < {decisions - count})"
        connection.execute(
            f"INSERT INTO decision (id, {others}) {ids} "
            f"SELECT {first} + n, {others} FROM more JOIN decision ON id = 1 + n % {count}"
        )


def over_decisions(folder: Path, asked: argparse.Namespace) -> Iterator[Figure]:
    tape = made_tape(folder / "books.parquet", 600, 1, asked.seed)
    backtest(tape, settings_model()(), profile="defaults", data=folder)
    taken: list[list[float]] = []
    for decisions in (SOME, asked.decisions):
        multiplied(places.ledger_path(folder), decisions)
        taken.append([cpu_s(liqbot(*words, "--data", str(folder))) for words in VERBS])
    for words, few_s, many_s in zip(VERBS, *taken, strict=True):
        yield Figure(
            work=f"`liqbot {' '.join(words)}` with {asked.decisions:,} decisions", value=many_s, unit="CPU s", goal=0.5,
            at_most=True, beside=f"with {SOME:,}", beside_value=few_s,
        )


def measured(asked: argparse.Namespace) -> Iterator[Figure]:
    use_compiled()
    with tempfile.TemporaryDirectory() as name:
        for of in (over_size, over_days, over_decisions):
            yield from of(Path(name), asked)


def reader() -> argparse.ArgumentParser:
    parser = arguments(__doc__, seed=7)
    parser.add_argument("--ticks", type=int, default=60)
    parser.add_argument("--days", type=float, default=2.0)
    parser.add_argument("--decisions", type=int, default=100_000)
    return parser


if __name__ == "__main__":
    sys.exit(main(reader(), measured))
