"""How often a house was started here that never ended in order: kept beside the books, for when they cannot be read.

A process that dies over and over is not to trade its way from crash to crash. After a few within minutes the next one
enters nothing until a person has looked; what is open it manages.
"""

import contextlib
import json
from pathlib import Path
from typing import Final

from liqbot.private_files import read_note, replace_private_file

NAME: Final = "starts.json"
WINDOW_MS: Final = 600_000
CRASHES_MAX: Final = 3
"""As many starts within the window before this one that did not end in order, and it enters nothing."""


def begun(data: Path, now_ms: int) -> int:
    """Notes a start; gives how many within the window before it have not ended in order."""
    earlier = [one for one in _read(data) if now_ms - WINDOW_MS < one <= now_ms][-CRASHES_MAX * 4 :]
    _write(data, [*earlier, now_ms])
    return len(earlier)


def ended(data: Path) -> None:
    """In order: what went before counts no more."""
    with contextlib.suppress(OSError):  # a disk that refuses this leaves one start too many counted
        (data / NAME).unlink(missing_ok=True)


def why_no_entries(crashes: int) -> str:
    """Empty while there have been few."""
    if crashes < CRASHES_MAX:
        return ""
    return f"{crashes} starts within {WINDOW_MS // 60_000} minutes ended without order: look at the log first"


def _read(data: Path) -> list[int]:
    try:
        found = json.loads(read_note(data / NAME))
    except (OSError, ValueError, RecursionError):
        return []
    return [one for one in found if isinstance(one, int)] if isinstance(found, list) else []


def _write(data: Path, starts: list[int]) -> None:
    """A disk that refuses keeps no start from protecting."""
    with contextlib.suppress(OSError):
        replace_private_file(data / NAME, json.dumps(starts).encode(), durable=False)
