"""What the documents show: their texts, and the commands in them."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    path for pattern in ("*.md", "docs/*.md", "examples/**/*.md") for path in ROOT.glob(pattern)
    if path.name not in {"CHANGELOG.md", "cli.md"}  # what was true once; what is written from the verbs themselves
)
_PROGRAM = re.compile(r"^(?:runuser -u \S+ -- )?(?:[A-Z][A-Z_]*=\S+ +)*(?:\S*/run|liqbot)$")


class Shown(NamedTuple):
    """`whole`: typed as it stands, else named in a sentence."""

    place: str
    words: tuple[str, ...]
    whole: bool


def shown_commands(path: Path) -> Iterator[Shown]:
    """Commands of ours in blocks that a shell takes, and in code within sentences; `run` and `liqbot` left out."""
    text = path.read_text(encoding="utf-8")
    for block in re.finditer(r"^ *```(sh|console)?\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE):
        for line in block[2].replace("\\\n", " ").splitlines():
            if block[1] == "sh" or re.match(r" *(\$ |\./run |liqbot [a-z]+ )", line):
                # Elsewhere what it does stands beside it, in a column.
                said = line if block[1] == "sh" else re.split(r"(?<=\S) {2,}", line)[0]
                yield from _of(path, text, block.start(), said.lstrip().removeprefix("$ "), whole=block[1] == "sh")
    blocks = re.compile(r"^ *```.*?^ *```", re.DOTALL | re.MULTILINE)
    sentences = blocks.sub(lambda block: "\n" * block[0].count("\n"), text)
    for code in re.finditer(r"`([^`\n]+)`", sentences):
        yield from _of(path, sentences, code.start(), code[1], whole=False)


def _of(path: Path, text: str, at: int, line: str, *, whole: bool) -> Iterator[Shown]:
    place = f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, at) + 1}"
    for one in re.split(r"\|(?=\s)|&&|;(?=\s)|[<>]\s", re.sub(r"\s#.*", "", line)):
        found = re.match(r"\s*((?:runuser -u \S+ -- )?(?:\w+=\S+ +)*(?:\S*/run|liqbot))\s+([a-z-].*)", one)
        if found and _PROGRAM.match(found[1]):
            yield Shown(place, tuple(shlex.split(found[2].rstrip(" ).,"))), whole)
