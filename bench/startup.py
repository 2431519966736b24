"""How long a word on the command line takes to answer: help, the verbs that read a ledger, and how long `./run paper`
takes to its first map, beside a bare interpreter.

Medians of whole processes in seconds of the processor, children included; `python -c pass` runs in turn with each.

    python bench/startup.py [--rounds 3]
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent))

from _figures import Figure, arguments, main

LIQBOT: Final = "import sys; from liqbot.cli import main; sys.exit(main())"
SHORT: Final = ("--set", "paper.world.days=0.001", "--set", "paper.world.backfill_days=0.1")
GOAL_S: Final = 0.5
GOAL_MAP_S: Final = 10.0


def cpu_s(command: list[str]) -> float:
    """Of the processor, in user and system; RuntimeError when it fails."""
    before = os.times()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    after = os.times()
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)}: {done.stderr}")
    return after.children_user + after.children_system - before.children_user - before.children_system


def liqbot(*words: str) -> list[str]:
    return [sys.executable, "-c", LIQBOT, *words]


def measured(asked: argparse.Namespace) -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        # A short session of the simulated market: its start, some hours of history, a first map, and its end.
        session_s = cpu_s(liqbot("paper", "--speed", "0", *SHORT, "--data", folder))
        read = ("--data", folder)
        verbs = {"--help": (), "trades": read, "decisions": read, "pnl": read, "map": read}
        for verb, options in verbs.items():
            taken, bare = [], []
            for _ in range(asked.rounds):
                taken.append(cpu_s(liqbot(*verb.split(), *options)))
                bare.append(cpu_s([sys.executable, "-c", "pass"]))
            yield Figure(
                work=f"`liqbot {verb}`", value=statistics.median(taken), unit="CPU s", at_most=True,
                goal=1.0 if verb == "map" else GOAL_S, beside="a bare interpreter",
                beside_value=statistics.median(bare),
            )
        yield Figure(
            work="`./run paper`: a session of 86 s with 2.4 h of history", value=session_s, unit="CPU s",
            goal=GOAL_MAP_S, at_most=True, note="from its start to its end; the first map is drawn within it",
        )


def reader() -> argparse.ArgumentParser:
    parser = arguments(__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    return parser


if __name__ == "__main__":
    sys.exit(main(reader(), measured))
