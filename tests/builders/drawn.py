"""Which of the costly tests an ordinary run takes: one in so many, drawn by the commit.

A file is drawn as a whole where its tests share what they have recorded, else each of its tests, `singly`. Of a test
that is the same for many venues or seeds so many of its `cases` are drawn, and one at least: no commit leaves it out.
Each commit draws others, so that what one left out another takes; whatever is named on the command line is run, drawn
or not."""

import hashlib
import itertools
import math
import subprocess
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Final, TypeVar

ONE_IN: Final = 4
DEAR_ONE_IN: Final = 8
"""Of those that cost seconds."""
ALL: Final = "all"
Item = TypeVar("Item")
_ROOT: Final = Path(__file__).parents[2]


def commit() -> str:
    """Of the checkout; empty where there is none, which draws as well as any other text."""
    command = ["git", "rev-parse", "HEAD"]
    try:
        asked = subprocess.run(command, cwd=_ROOT, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return asked.stdout.strip()


def is_drawn(name: str, text: str, *, dear: bool = False) -> bool:
    """Whether the costly tests of the file of that name, or the one of that name, run. The same text draws the same on
    every machine."""
    one_in = DEAR_ONE_IN if dear else ONE_IN
    return text == ALL or hashlib.sha256(f"{text} {name}".encode()).digest()[0] % one_in == 0


def drawn_cases(names: Iterable[str], text: str) -> set[str]:
    """Those of one test's cases that run."""
    cases = sorted(names, key=lambda name: hashlib.sha256(f"{text} {name}".encode()).digest())
    return set(cases if text == ALL else cases[: math.ceil(len(cases) / ONE_IN)])


def dealt(costly: Sequence[Sequence[Item]], others: Sequence[Item], workers: int) -> list[Item]:
    """An order for so many workers, each of which begins with an equal part: the costly files are dealt out among them
    and come first, so that at the end nobody waits for one test that began last. Files stay whole, because their tests
    share what they have made."""
    piles: list[list[Item]] = [[] for _ in range(workers)]
    for file in sorted(costly, key=len, reverse=True):
        min(piles, key=len).extend(file)
    left, rest, found = sum(map(len, piles)) + len(others), iter(others), list[Item]()
    for number, pile in enumerate(piles):
        share = left // (workers - number)
        found += [*pile, *itertools.islice(rest, max(0, share - len(pile)))]
        left -= max(share, len(pile))
    return [*found, *rest]


def are_named(arguments: Iterable[str]) -> bool:
    """Whether somebody asks for certain files or tests, and not for folders of them."""
    return any(".py" in argument for argument in arguments)
