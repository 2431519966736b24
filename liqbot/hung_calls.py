"""Which code of the user's own did not return the last time: the next start leaves it out, until `resume` or another
file."""

import json
import os
from pathlib import Path
from typing import Final, NamedTuple

NOTE: Final = "hung.json"
STRATEGY, OBSERVER = "strategy", "observer"


class HungCall(NamedTuple):
    """`sha256` of the file it came from, where that is known."""

    kind: str
    name: str
    sha256: str = ""


def write(data: Path, call: HungCall) -> None:
    """Beside those before it."""
    calls = dict.fromkeys((*read(data), call))
    unfinished = data / f"{NOTE}.new"
    with unfinished.open("w", encoding="utf-8") as file:
        json.dump([one._asdict() for one in calls], file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(data / NOTE)


def read(data: Path) -> tuple[HungCall, ...]:
    """None where nothing hung, or where the note cannot be read."""
    try:
        return tuple(HungCall(**one) for one in json.loads((data / NOTE).read_bytes()))
    except (OSError, TypeError, ValueError):
        return ()


def forget(data: Path) -> None:
    (data / NOTE).unlink(missing_ok=True)
