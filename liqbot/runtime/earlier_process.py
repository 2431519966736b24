"""Since when no earlier process writes a journal: looked at before anything else of a start is loaded.

What an earlier process has sent may be carried out for seconds after its end, and until then nobody may say that the
venue does not know it. A start that protects a position waits for that: each moment that it knows of earlier counts.
"""

import fcntl
import itertools
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from liqbot import places

_seen: Final[dict[Path, tuple[int, float]]] = {}
"""By lock file: when it was written last, and when it was found free after that."""


def look(words: Sequence[str]) -> None:
    """At the state directory that a verb's words name. Imports nothing that takes time; says and changes nothing."""
    given, profile = _option(words, "--data"), _option(words, "--profile")
    if given is None and profile is None:
        return
    lock = _lock_in(places.data_place(None if given is None else Path(given), profile or "").path)
    try:
        file = os.open(lock, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (OSError, ValueError):  # a path that cannot be one is refused by whoever reads the words whole
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _seen[lock] = (os.fstat(file).st_mtime_ns, time.monotonic())
    except OSError:
        return  # somebody writes that journal
    finally:
        os.close(file)


def over_since_s(data: Path) -> float:
    """On the clock of the event loop: no earlier process has sent anything after that. To be asked by whoever knows
    that the journal is free, and before its lock is taken."""
    lock = _lock_in(data)
    written_ns, seen_s = _seen.get(lock, (0, 0.0))
    try:
        unchanged = lock.lstat().st_mtime_ns == written_ns  # whoever takes it writes into it
    except OSError:
        unchanged = False
    return seen_s if unchanged else time.monotonic()


def _lock_in(data: Path) -> Path:
    return places.lock_path(places.journal_path(data)).absolute()


def _option(words: Sequence[str], name: str) -> str | None:
    """The last one counts, as everywhere."""
    found = [after for word, after in itertools.pairwise(words) if word == name]
    found += [word.removeprefix(f"{name}=") for word in words if word.startswith(f"{name}=")]
    return found[-1] if found else None
