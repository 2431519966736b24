"""A copy of the program to change, and diffs as the guides write them: hunks without line numbers, found by context."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from patience import PATIENCE_S

ROOT = Path(__file__).parents[2]
COPIED = ("liqbot", "paper", "config", "examples")


class DoesNotFit(AssertionError):
    """A diff whose context is not in the file exactly once."""


def copied(to: Path) -> Path:
    """With what the interpreter has compiled, which holds for files of the same size and time; what it is just writing
    has a longer name."""
    for name in COPIED:
        shutil.copytree(ROOT / name, to / name, ignore=shutil.ignore_patterns("*.pyc.*", "*.nb[ci]"))
    return to


def copied_for(diff: str, to: Path) -> Path:
    """Only the files that it changes, and the folders of those that it makes."""
    for name in re.findall(r"^\+\+\+ b/(.+)$", diff, flags=re.MULTILINE):
        if name.startswith(COPIED):
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / name).exists():
                shutil.copy2(ROOT / name, to / name)
    return to


def diffs_of(guide: str) -> str:
    """The diffs of one guide, one after the other."""
    return "".join(re.findall(r"^```diff\n(.*?)^```$", guide, re.DOTALL | re.MULTILINE))


def apply(diff: str, program: Path) -> tuple[Path, ...]:
    """Changes the copy; gives the files that were changed or made."""
    changed = []
    for part in re.split(r"^--- ", diff, flags=re.MULTILINE)[1:]:
        (old, new, *lines) = part.splitlines()
        path = program / new.removeprefix("+++ b/")
        text = "" if old == "/dev/null" else path.read_text(encoding="utf-8")
        for hunk in "\n".join(lines).split("@@\n")[1:]:
            text = _hunk_applied(text, hunk, path)
        path.write_text(text, encoding="utf-8")
        changed.append(path)
    return tuple(changed)


def _hunk_applied(text: str, hunk: str, path: Path) -> str:
    lines = hunk.splitlines()
    before = "\n".join(line[1:] for line in lines if not line.startswith("+"))
    after = "\n".join(line[1:] for line in lines if not line.startswith("-"))
    if not before:
        return text + after + "\n"
    if text.count(before) != 1:
        raise DoesNotFit(f"{path.name}: {text.count(before)} places look like\n{before}")
    return text.replace(before, after)


def run(program: Path, *arguments: str, code: str = "") -> subprocess.CompletedProcess[str]:
    """The copy's `liqbot` with these arguments, or a piece of Python in its midst."""
    code = code or "import sys; from liqbot.cli import main; sys.exit(main())"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], cwd=program, env=_environment(program), capture_output=True,
        text=True, timeout=PATIENCE_S, check=False,
    )  # fmt: skip


def _environment(program: Path) -> Mapping[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("LIQBOT_")}
    own = {"PYTHONPATH": str(program), "LIQBOT_HOME": str(program), "LIQBOT_UNCOMPILED": "1"}
    return {**inherited, **own, "NO_COLOR": "1"}
