"""Cascade confirmation: price leans toward a large cluster and breaks into it; forced orders there carry it further.
Little fuel ahead and a heavy cluster behind: no trade."""

from typing import Any, Final

from liqbot.signals.features import Features
from liqbot.signals.gates import MAP_SKILL, Exits, GateSpec, Strategy, larger, same
from liqbot.signals.params import CascadeParams


def _stop_pct(features: Features, params: CascadeParams) -> Any:
    return larger(params.stop_range * features.range_pct, params.stop_pct_min)


GATES: Final = (
    GateSpec("bias", ("bias",), same("bias"), ">=", "bias_min"),
    GateSpec("cluster_ahead", ("ahead_seen",), same("ahead_seen"), ">=", 1.0),
    GateSpec("not_too_far", ("ahead_distance_pct",), same("ahead_distance_pct"), "<=", "distance_pct_max"),
    GateSpec("cluster_size", ("ahead_ratio",), same("ahead_ratio"), ">=", "size_ratio_min"),
    GateSpec("fuel_ahead", ("fuel_share",), same("fuel_share"), ">=", "fuel_share_min"),
    GateSpec(
        "light_behind",
        ("behind_usd", "ahead_usd"),
        lambda f, _p: f.behind_usd / f.ahead_usd,
        "<=",
        "behind_share_max",
    ),
    GateSpec("momentum", ("return_1h_pct",), same("return_1h_pct"), ">=", "momentum_pct_min"),
    GateSpec("volume", ("volume_ratio",), same("volume_ratio"), ">=", "volume_ratio_min"),
    GateSpec("flow", ("flow",), same("flow"), ">=", "flow_min"),
    GateSpec("not_rejected", ("ahead_rejected_age_min",), same("ahead_rejected_age_min"), ">", "rejected_age_min"),
    GateSpec("oi_rising", ("oi_change_1h_pct",), same("oi_change_1h_pct"), ">=", "oi_change_pct_min"),
    GateSpec("stop_range", ("range_pct",), _stop_pct, "<=", "stop_pct_max"),
    GateSpec(
        "reward",
        ("ahead_peak_distance_pct", "range_pct"),
        lambda f, p: f.ahead_peak_distance_pct / _stop_pct(f, p),
        ">=",
        "reward_min",
    ),
    MAP_SKILL,
)


def exits(features: Features, params: CascadeParams) -> Exits:
    """Take at the cluster's peak: what is left beyond it is no reason any more."""
    return Exits(_stop_pct(features, params), features.ahead_peak_distance_pct)


def why(features: Features, exits: Exits) -> str:
    return (
        f"bias {features.bias:+.2f} toward a cluster of ${features.ahead_usd:,.0f} ({features.ahead_ratio:.1f}x usual) "
        f"{features.ahead_distance_pct:.1f} % ahead, {100.0 * features.fuel_share:.0f} % of the fuel lies ahead, "
        f"{features.volume_ratio:.1f}x volume; stop {exits.stop_pct:.2f} % away"
    )


CASCADE: Final = Strategy("cascade", GATES, exits, why)
