"""Settings whose name changed or that went: old names are taken for one release, with a line that says what is now."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from liqbot.exits import Exit, ExpectedError
from liqbot.settings.names import Path

_AVOID: Final = "signals.avoid_liquidity"
_CASCADE: Final = "signals.cascade"
_SQUEEZE: Final = "signals.funding_squeeze"
_CALIBRATION: Final = "market.calibration"
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
    **{
        f"{_CALIBRATION}.{old}": (f"{_CALIBRATION}.{new}",)
        for old, new in {
            "standing_h": "leverage_prior_h", "standing_weight": "leverage_prior_weight",
            "standing_ratio_max": "leverage_prior_ratio_max", "pace_h": "closing_rate_h",
            "pace_weight": "closing_rate_weight",
        }.items()
    },
    **{f"{_CALIBRATION}.{name}": () for name in ("fast_h", "fast_weight", "fast_scale_max")},
    "signals.grab_reverse.beyond_share_max": (),
    **{f"{_CASCADE}.{name}": () for name in ("momentum_pct_min", "behind_share_max", "rejected_age_min")},
    **{f"market.clusters.{name}": () for name in ("density_ratio_min", "core_share")},
    "signals.grab_reverse.prior_crowd_percentile_min": ("signals.grab_reverse.prior_funding_percentile_min",),
}
"""Old dotted name -> the new ones, which all take its value; () where nothing does any more. A section's name moves
everything in it that has no entry of its own."""


def new_names(path: Path, table: Mapping[str, tuple[str, ...]] = RENAMED) -> tuple[Path, ...] | None:
    """What a name is called now, for the longest part of it that is in the table: empty when the setting went, None
    when the name stands."""
    for depth in range(len(path), 0, -1):
        found = table.get(".".join(path[:depth]))
        if found is not None:
            return tuple((*new.split("."), *path[depth:]) for new in found)
    return None


def with_new_names(
    values: Mapping[str, Any], where: str = "", table: Mapping[str, tuple[str, ...]] = RENAMED
) -> tuple[dict[str, Any], dict[Path, str]]:
    """Nested values under their new names, and the old dotted name that each moved value was written under; one that
    nothing takes any more stands there under its own.

    ExpectedError when old and new are both given in `where`: which of them is meant?
    """
    kept: dict[str, Any] = {}
    moved: list[tuple[Path, str, Any]] = []
    gone: dict[Path, str] = {}
    for path, value in _values(values):
        names = new_names(path, table)
        if names is None:
            _put(kept, path, value)
        elif not names:
            gone[path] = ".".join(path)
        else:
            moved += [(name, ".".join(path), value) for name in names]
    for name, old, value in moved:
        if not _put(kept, name, value):
            raise ExpectedError(
                f"{where}: {old} is called {'.'.join(name)} now, and both are given; remove {old}", Exit.CONFIG
            )
    return kept, gone | {name: old for name, old, _ in moved}


def warning_of(where: str, old: str, table: Mapping[str, tuple[str, ...]] = RENAMED) -> str:
    """The line for one old name that was used."""
    names = " and ".join(".".join(name) for name in new_names(tuple(old.split(".")), table) or ())
    if not names:
        return f"{where}: {old} is no setting any more and is passed over; the next release refuses it"
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
