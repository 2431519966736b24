"""What strategies have in common that run from a stop of usual ranges toward the next cluster: gates and distances."""

from typing import Any, Final, Protocol

from liqbot.signals.features import Features
from liqbot.signals.gates import GateSpec, larger, same
from liqbot.signals.strategy import Exits


class RangeStopParams(Protocol):
    """Parameters by these names, and `distance_pct_max`, `stop_pct_max`, `reward_min` for the gates."""

    @property
    def stop_range(self) -> float:
        """In mean hourly ranges."""

    @property
    def stop_pct_min(self) -> float: ...


def stop_pct(features: Features, params: RangeStopParams) -> Any:
    """Distance of the stop from the mark."""
    return larger(params.stop_range * features.range_pct, params.stop_pct_min)


def to_the_peak(features: Features, params: RangeStopParams) -> Exits:
    """Take at the peak of the cluster ahead: what is left beyond it is no reason any more."""
    return Exits(stop_pct(features, params), features.ahead_peak_distance_pct)


CLUSTER_AHEAD: Final = (
    GateSpec("cluster_ahead", ("ahead_seen",), same("ahead_seen"), ">=", 1.0),
    GateSpec("not_too_far", ("ahead_distance_pct",), same("ahead_distance_pct"), "<=", "distance_pct_max"),
)
WORTH_THE_STOP: Final = (
    GateSpec("stop_range", ("range_pct",), stop_pct, "<=", "stop_pct_max"),
    GateSpec(
        "reward",
        ("ahead_peak_distance_pct", "range_pct"),
        lambda f, p: f.ahead_peak_distance_pct / stop_pct(f, p),
        ">=",
        "reward_min",
    ),
)
