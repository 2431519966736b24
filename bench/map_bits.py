"""Whether two checkouts make the same maps, bit for bit: views, maps, forecasts and what was learnt at every tick.

Random markets with everything the market floor takes, a snapshot restored in mid-run, and a slice of a tape. The other
checkout runs in a process of its own with this one's driver (`tests/builders/map_digests.py`).

    python bench/map_bits.py --against ../other-checkout [--seeds 12] [--steps 150] [--tape FILE] [--ticks 2000]
"""

import argparse
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from itertools import islice
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parents[1]


def tape_reader() -> ModuleType:
    """Of the checkout under test: older ones keep it in one file."""
    try:
        return import_module("paper.tapes.reader")
    except ModuleNotFoundError:
        return import_module("paper.tape")


def lines(asked: argparse.Namespace) -> Iterator[str]:
    sys.path.append(str(ROOT / "tests" / "builders"))
    from map_digests import digests, random_blocks

    for seed in range(asked.seeds):
        roster, blocks = random_blocks(seed, asked.steps)
        for restore_every in (0, 7):
            made = digests(roster, blocks, restore_every=restore_every, reading=seed % 5 != 4)
            for tick, digest in enumerate(made):
                yield f"seed {seed} restored every {restore_every} tick {tick} {digest[:16]}"
    if asked.tape:
        tape = tape_reader().read_tape(asked.tape)
        blocks = list(islice(tape.blocks(), asked.ticks))
        for tick, digest in enumerate(digests(tape.roster, blocks, restore_every=501, every=50)):
            yield f"{Path(asked.tape).name} tick {tick} {digest[:16]}"


def main() -> None:
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--against", type=Path, help="another checkout of this repository")
    words.add_argument("--tape", type=Path)
    for name, default in (("seeds", 12), ("steps", 150), ("ticks", 2_000)):
        words.add_argument(f"--{name}", type=int, default=default)
    asked = words.parse_args()
    ours = lines(asked)
    if asked.against is None:
        for line in ours:
            print(line)
        return
    chosen = {name: getattr(asked, name) for name in ("seeds", "steps", "ticks", "tape")}
    options = [f"--{name}={value}" for name, value in chosen.items() if value]
    theirs = subprocess.run(
        [sys.executable, __file__, *options], check=True, capture_output=True, text=True, cwd="/",
        env={**os.environ, "PYTHONPATH": str(asked.against.resolve())},
    ).stdout.splitlines()
    for one, other in zip(ours, theirs, strict=True):
        if one != other:
            sys.exit(f"first difference:\n  here    {one}\n  there   {other}")
    print(f"{len(theirs)} ticks alike, bit for bit")


if __name__ == "__main__":
    main()
