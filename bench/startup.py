"""How long a word on the command line takes to answer: help and the reading verbs, beside a bare interpreter.

Figures are medians of whole processes; the yardstick `python -c pass` runs in turn with each verb.

    python bench/startup.py [--rounds 7]
"""

import argparse
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

LIQBOT = "import sys; from liqbot.cli import main; sys.exit(main())"
GOAL_S = 0.5


def seconds(command: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(command, capture_output=True, check=False)
    return time.perf_counter() - began


def ledger(folder: Path) -> Path:
    """A ledger to read: a few seconds of the simulated market."""
    short = ("--set", "paper.world.days=0.001", "--set", "paper.world.backfill_days=0.1")
    done = subprocess.run(
        [sys.executable, "-c", LIQBOT, "paper", "--speed", "0", *short, "--data", str(folder)],
        capture_output=True, text=True, check=False,
    )
    if done.returncode:
        sys.exit(f"bench/startup.py: the paper session failed: {done.stderr}")
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False)
    print(f"command: {' '.join(sys.argv)}; commit {commit.stdout.strip() or 'unknown'}; no chance in it")
    print(f"python {platform.python_version()}, {platform.machine()}, {rounds} rounds")
    with tempfile.TemporaryDirectory() as folder:
        data = str(ledger(Path(folder)))
        verbs = {"--help": [], "trades": ["--data", data], "decisions": ["--data", data], "pnl": ["--data", data],
                 "explain 1": ["--data", data]}
        print(f"{'verb':<12}{'seconds':>9}{'bare':>9}{'ratio':>7}{'goal':>7}")
        for verb, options in verbs.items():
            taken, bare = [], []
            for _ in range(rounds):
                taken.append(seconds([sys.executable, "-c", LIQBOT, *verb.split(), *options]))
                bare.append(seconds([sys.executable, "-c", "pass"]))
            own, yardstick = statistics.median(taken), statistics.median(bare)
            print(f"{verb:<12}{own:>9.3f}{yardstick:>9.3f}{own / yardstick:>7.1f}{GOAL_S:>7.1f}")


if __name__ == "__main__":
    main()
