"""A tape: rows written and read a second, and bytes a row. The yardstick is the same columns through pyarrow alone.

    python bench/tape.py [--steps 20000] [--venues 8] [--rounds 3] [--seed 7]
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet

sys.path.insert(0, str(Path(__file__).parent))

from _figures import Figure, arguments, main
from _made_market import COINS, VENUES, columns

from liqbot.blocks import EventBlock, Roster, Rows
from paper.tapes.reader import read_tape
from paper.tapes.writer import write_tape


def spent_s(work: Callable[[], object], rounds: int) -> float:
    found = []
    for _ in range(rounds):
        began_s = time.process_time()
        work()
        found.append(time.process_time() - began_s)
    return statistics.median(found)


def bare(made: dict[str, Rows], path: Path) -> None:
    for kind, rows in made.items():
        table = pa.table({name: rows[name].copy() for name in rows.dtype.names or ()})
        parquet.write_table(table, path.with_suffix(f".{kind}"), compression="zstd")


def bare_read(made: dict[str, Rows], path: Path) -> None:
    for kind in made:
        parquet.read_table(path.with_suffix(f".{kind}"), use_threads=False)


def measured(asked: argparse.Namespace) -> Iterator[Figure]:
    made = columns(asked.steps, asked.venues, asked.seed)
    block, roster = EventBlock(**made), Roster(VENUES[: asked.venues], COINS[:1])
    rows = sum(map(len, made.values()))
    with tempfile.TemporaryDirectory() as name:
        path, plain = Path(name) / "tape.parquet", Path(name) / "plain.parquet"
        cases = (
            ("written", lambda: write_tape(path, [block], roster), lambda: bare(made, plain), None),
            ("read and validated", lambda: read_tape(path), lambda: bare_read(made, plain), 2e6),
        )
        for what, ours, theirs, goal in cases:
            yield Figure(
                work=f"tape {what}", value=rows / spent_s(ours, asked.rounds), unit="rows per CPU second", goal=goal,
                beside="pyarrow alone", beside_value=rows / spent_s(theirs, asked.rounds),
            )
        tape = read_tape(path)
        yield Figure(work="tape given to the house, block by block", unit="rows per CPU second",
                     value=rows / spent_s(lambda: sum(1 for _ in tape.blocks()), asked.rounds))
        yield Figure(work="tape on disk", value=path.stat().st_size / rows, unit="bytes a row", goal=8.0, at_most=True)


def reader() -> argparse.ArgumentParser:
    parser = arguments(__doc__, seed=7)
    for name, default in (("steps", 20_000), ("venues", 8), ("rounds", 3)):
        parser.add_argument(f"--{name}", type=int, default=default)
    return parser


if __name__ == "__main__":
    sys.exit(main(reader(), measured))
