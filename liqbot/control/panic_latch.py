"""The mark that a panic leaves: in the state directory, and in a second place for when that cannot be written.

Whoever runs or starts on the state directory honours either. The second place is the user's own directory for running
programs, so another user's bot, or a machine that was restarted, does not see it.
"""

import contextlib
import hashlib
import threading
from pathlib import Path
from typing import Final, NamedTuple

from liqbot import places
from liqbot.control import protocol

LATCH_S: Final = 2.0
"""Longest wait for the disk: flattening waits for none."""


class LatchReport(NamedTuple):
    """Where it was set, and what kept it from being set elsewhere, as `place: reason`."""

    set_in: tuple[Path, ...]
    troubles: tuple[str, ...]


def latch_paths(data: Path) -> tuple[Path, ...]:
    """The state directory's own first."""
    name = hashlib.sha256(str(data.absolute()).encode("utf-8", "surrogateescape")).hexdigest()[:16]
    return (data / protocol.PANIC, *(directory / f"{name}.{protocol.PANIC}" for directory in places.run_dirs()))


def set_panic(data: Path, *, time_ms: int, why: str) -> LatchReport:
    """In the state directory and in the first other place that takes it, each bounded. Never raises for a disk."""
    first, *others = latch_paths(data)
    trouble = _bounded(first, time_ms, why)
    report = LatchReport((), (f"{first}: {trouble}",)) if trouble else LatchReport((first,), ())
    for path in others:
        trouble = _bounded(path, time_ms, why)
        if not trouble:
            return LatchReport((*report.set_in, path), report.troubles)
        report = LatchReport(report.set_in, (*report.troubles, f"{path}: {trouble}"))
    return report


def panic_reason(data: Path) -> str:
    """Why a panic is on; empty when none is."""
    for path in latch_paths(data):
        try:
            why = protocol.read_latch(path.parent, path.name)
        except OSError as error:
            why = f"its mark {path} cannot be read: {error.strerror}" if path.parent == data else ""
        if why:
            return why
    return ""


def lift_panic(data: Path) -> bool:
    """Whether one was on. OSError when the state directory's own mark cannot be removed."""
    first, *others = latch_paths(data)
    lifted = [protocol.drop_latch(first.parent, first.name)]
    for path in others:
        with contextlib.suppress(OSError):
            lifted.append(protocol.drop_latch(path.parent, path.name))
    return any(lifted)


def _bounded(path: Path, time_ms: int, why: str) -> str:
    """Why it could not be written, empty when it was. A disk that hangs is left alone."""
    trouble = [f"the disk did not answer within {LATCH_S:g} s"]

    def write() -> None:
        try:
            protocol.write_latch(path.parent, path.name, time_ms=time_ms, why=why)
        except OSError as error:
            trouble[0] = error.strerror or str(error)
        else:
            trouble[0] = ""

    work = threading.Thread(target=write, daemon=True)
    work.start()
    work.join(LATCH_S)
    return trouble[0]
