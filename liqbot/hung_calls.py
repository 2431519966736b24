"""Which code of the user's own did not return the last time: the next start leaves it out, until `resume` or another
file."""

import contextlib
import json
from pathlib import Path
from typing import Final, NamedTuple

from liqbot.private_files import read_note, replace_private_file

NOTE: Final = "hung.json"
STRATEGY, OBSERVER = "strategy", "observer"


class HungCall(NamedTuple):
    """`sha256` of the file it came from, where that is known."""

    kind: str
    name: str
    sha256: str = ""


def write(data: Path, *calls: HungCall, durable: bool = True) -> None:
    """Beside those before them. OSError where the disk refuses."""
    noted = [one._asdict() for one in dict.fromkeys((*read(data), *calls))]
    replace_private_file(data / NOTE, json.dumps(noted).encode(), durable=durable)


def read(data: Path) -> tuple[HungCall, ...]:
    """None where nothing hung, or where the note cannot be read."""
    try:
        calls = tuple(HungCall(**one) for one in json.loads(read_note(data / NOTE)))
    except (OSError, TypeError, ValueError, RecursionError):
        return ()
    return tuple(call for call in calls if all(isinstance(word, str) for word in call))


def forget(data: Path) -> None:
    """What cannot be taken away is left: the next start reads it again."""
    with contextlib.suppress(OSError):
        (data / NOTE).unlink(missing_ok=True)
