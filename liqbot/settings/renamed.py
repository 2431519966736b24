"""Settings whose name changed: the old names are honoured for one release, with a line that names the new one."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from liqbot.exits import Exit, ExpectedError
from liqbot.settings.names import Path

_AVOID: Final = "signals.avoid_liquidity"
_CASCADE: Final = "signals.cascade"
_SQUEEZE: Final = "signals.funding_squeeze"
RENAMED: Final[Mapping[str, tuple[str, ...]]] = {
    "risk.stop_buffer_pct": (f"{_AVOID}.stop_buffer_pct",),
    "risk.density_percentile_max": (f"{_AVOID}.density_percentile_max",),
    "risk.cluster_pad_pct": (f"{_AVOID}.cluster_pad_pct",),
    "risk.deeper_pct_max": (f"{_AVOID}.deeper_pct_max",),
    "risk.deeper_step_pct": (f"{_AVOID}.deeper_step_pct",),
    "risk.fuel_share_exit": (f"{_CASCADE}.notional_ahead_share_exit", f"{_SQUEEZE}.notional_ahead_share_exit"),
    "risk.behind_ratio_exit": (f"{_CASCADE}.behind_ratio_exit", f"{_SQUEEZE}.behind_ratio_exit"),
    f"{_CASCADE}.fuel_share_min": (f"{_CASCADE}.notional_ahead_share_min",),
    f"{_SQUEEZE}.fuel_share_min": (f"{_SQUEEZE}.notional_ahead_share_min",),
    f"{_SQUEEZE}.crowd_percentile_min": (f"{_SQUEEZE}.opposite_funding_percentile_min",),
    "signals.grab_reverse.prior_crowd_percentile_min": ("signals.grab_reverse.prior_funding_percentile_min",),
}
"""Old dotted name -> the new ones, which all take its value. A section's name moves everything in it that has no entry
of its own."""


def new_names(path: Path, table: Mapping[str, tuple[str, ...]] = RENAMED) -> tuple[Path, ...]:
    """What a name is called now, for the longest part of it that is in the table; empty when it is not renamed."""
    for depth in range(len(path), 0, -1):
        found = table.get(".".join(path[:depth]))
        if found is not None:
            return tuple((*new.split("."), *path[depth:]) for new in found)
    return ()


def with_new_names(
    values: Mapping[str, Any], where: str = "", table: Mapping[str, tuple[str, ...]] = RENAMED
) -> tuple[dict[str, Any], dict[Path, str]]:
    """Nested values under their new names, and the old dotted name that each moved value was written under.

    ExpectedError when old and new are both given in `where`: which of them is meant?
    """
    kept: dict[str, Any] = {}
    moved: list[tuple[Path, str, Any]] = []
    for path, value in _values(values):
        names = new_names(path, table)
        moved += [(name, ".".join(path), value) for name in names]
        if not names:
            _put(kept, path, value)
    for name, old, value in moved:
        if not _put(kept, name, value):
            raise ExpectedError(
                f"{where}: {old} is called {'.'.join(name)} now, and both are given; remove {old}", Exit.CONFIG
            )
    return kept, {name: old for name, old, _ in moved}


def warning_of(where: str, old: str, table: Mapping[str, tuple[str, ...]] = RENAMED) -> str:
    """The line for one old name that was used."""
    names = " and ".join(".".join(name) for name in new_names(tuple(old.split(".")), table))
    return f"{where}: {old} is called {names} now; the old name goes with the next release"


def _values(values: Mapping[str, Any], prefix: Path = ()) -> Iterator[tuple[Path, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from _values(value, (*prefix, name))
        else:
            yield (*prefix, name), value


def _put(values: dict[str, Any], path: Path, value: Any) -> bool:
    """False when there is a value already, or something that holds none."""
    *sections, name = path
    for section in sections:
        inner = values.setdefault(section, {})
        if not isinstance(inner, dict):
            return False
        values = inner
    if name in values:
        return False
    values[name] = value
    return True
