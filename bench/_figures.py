"""What a benchmark found, said alike by all of them: a table for people, and JSON for the page that shows them all.

A row of the page is a script with `main(arguments(__doc__), measured)`. Wall times say little on a machine that has
other work: figures are processor seconds, counts, or ratios within one run, unless their unit says otherwise.
"""

import argparse
import hashlib
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

ROOT: Final = Path(__file__).resolve().parents[1]
LOOPS: Final = 1_000_000


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One number. `goal` is a floor, or with `at_most` a ceiling; None where nothing was promised."""

    work: str
    value: float
    unit: str
    goal: float | None = None
    at_most: bool = False
    beside: str = ""
    """What `beside_value`, in the same unit, is of: a peer or a yardstick of the same run, or a limit stated."""
    beside_value: float | None = None
    note: str = ""

    @property
    def reach(self) -> float | None:
        """1 or more where the goal is met, .5 half way there; None without a goal."""
        if self.goal is None or math.isnan(self.value):
            return None if self.goal is None else 0.0
        if not self.at_most:
            return self.value / self.goal if self.goal else math.inf
        return math.inf if self.value <= 0.0 else self.goal / self.value


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one script, and how they were made."""

    command: str
    seed: int | None
    commit: str
    machine: str
    figures: tuple[Figure, ...]
    loops_per_s: float | None = None
    """Of a bare Python loop before and after, the slower of both: other work makes a processor second worth less."""


def arguments(doc: str | None, *, seed: int | None = None) -> argparse.ArgumentParser:
    """For a script to add its own to. `seed`: its default, where chance has a part."""
    reader = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    if seed is not None:
        reader.add_argument("--seed", type=int, default=seed)
    reader.add_argument("--figures", type=Path, metavar="FILE", help="write them there as JSON too")
    return reader


def main(reader: argparse.ArgumentParser, measured: Callable[[argparse.Namespace], Iterator[Figure]]) -> int:
    """Measures and says what was found, each figure as soon as it is known."""
    asked = reader.parse_args()
    command, seed = spoken(sys.argv), getattr(asked, "seed", None)
    before = loops_per_s()
    print(f"command: {command}; seed {seed}; commit {commit()}; {machine()}; load {os.getloadavg()[0]:.1f}; "
          f"a bare loop goes round {before / 1e6:.1f}M times a CPU second", flush=True)
    figures: list[Figure] = []
    for figure in measured(asked):
        figures.append(figure)
        print(line(figure), flush=True)
    if asked.figures is not None:
        found = Found(
            command=command, seed=seed, commit=commit(), machine=machine(), figures=tuple(figures),
            loops_per_s=min(before, loops_per_s()),
        )
        asked.figures.write_bytes(msgspec.json.format(msgspec.json.encode(found)))
    return 0


def spoken(words: list[str]) -> str:
    """The command as somebody would type it in the checkout; where its figures go is nobody's business."""
    script, *rest = words
    shown = [word for before, word in zip([script, *rest], rest, strict=False) if "--figures" not in (before, word)]
    return " ".join(["python", f"bench/{Path(script).name}", *shown])


def line(figure: Figure) -> str:
    """For the terminal."""
    goal = "" if figure.goal is None else f"  goal {'<=' if figure.at_most else '>='} {number(figure.goal)}"
    beside = f"  {figure.beside}: {number(figure.beside_value)}" if figure.beside_value is not None else ""
    missed = "  MISSED" if (figure.reach or 1.0) < 1.0 or figure.reach == 0.0 else ""
    note = f"  ({figure.note})" if figure.note else ""
    return f"{figure.work}: {number(figure.value)} {figure.unit}{goal}{missed}{beside}{note}"


def number(value: float | None) -> str:
    """Three digits that count, and thousands apart."""
    if value is None or math.isnan(value):
        return "-"
    if value == 0 or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.{max(0, 2 - math.floor(math.log10(abs(value))))}f}"


def loops_per_s() -> float:
    """Rounds of a loop that only counts, in a second of the processor: what such a second is worth at present."""
    began_s, total = time.process_time(), 0
    for number in range(LOOPS):
        total += number & 1
    return LOOPS / max(time.process_time() - began_s, 1e-9)


def commit() -> str:
    """Of the checkout, and whether it was changed since."""
    words = ["git", "describe", "--always", "--dirty", "--exclude", "*"]
    asked = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    return asked.stdout.strip() or "unknown"


def digest(*folders: str) -> str:
    """Of all sources in these folders, by name and content: what a result of them that is kept belongs to."""
    state = hashlib.sha256()
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            state.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    return state.hexdigest()[:16]


def machine() -> str:
    """Interpreter, processor and how many of its cores there are."""
    return (f"{platform.python_implementation()} {platform.python_version()}, {platform.system()} "
            f"{platform.machine()}, {os.cpu_count()} cores")


