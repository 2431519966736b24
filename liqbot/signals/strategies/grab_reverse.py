"""Liquidation grab and reverse: price wicks into a heavy cluster, volume expands, price is rejected at once; take the
reversal with a tight stop just beyond what was swept."""

from typing import Any, Final

from liqbot.signals.features import Features
from liqbot.signals.gates import MAP_SKILL, Exits, GateSpec, Strategy, same
from liqbot.signals.params import GrabReverseParams


def _stop_pct(features: Features, params: GrabReverseParams) -> Any:
    return features.sweep_far_distance_pct + params.stop_buffer_pct


GATES: Final = (
    GateSpec("sweep", ("sweep_seen",), same("sweep_seen"), ">=", 1.0),
    GateSpec("rejected", ("sweep_rejected",), same("sweep_rejected"), ">=", 1.0),
    GateSpec("recent", ("sweep_age_min",), same("sweep_age_min"), "<=", "age_min_max"),
    GateSpec(
        "rejected_at_once",
        ("sweep_duration_min", "bar_span_min"),
        lambda f, _p: f.sweep_duration_min - f.bar_span_min,
        "<=",
        "rejected_within_min",
    ),
    GateSpec("not_too_near", ("sweep_distance_pct",), same("sweep_distance_pct"), ">=", "distance_pct_min"),
    GateSpec("not_too_far", ("sweep_distance_pct",), same("sweep_distance_pct"), "<=", "distance_pct_max"),
    GateSpec("cluster_size", ("sweep_ratio",), same("sweep_ratio"), ">=", "size_ratio_min"),
    GateSpec("volume", ("sweep_volume_ratio",), same("sweep_volume_ratio"), ">=", "volume_ratio_min"),
    GateSpec("oi_dropped", ("sweep_oi_change_pct",), same("sweep_oi_change_pct"), "<=", "oi_change_pct_max"),
    GateSpec("flow_flipped", ("sweep_flow_after",), same("sweep_flow_after"), ">=", "flow_after_min"),
    GateSpec(
        "prints_stopped",
        ("sweep_printed_after_usd", "sweep_printed_usd"),
        lambda f, _p: f.sweep_printed_after_usd / f.sweep_printed_usd,
        "<=",
        "printed_after_share_max",
    ),
    GateSpec(
        "thin_beyond",
        ("behind_usd", "sweep_usd"),
        lambda f, _p: f.behind_usd / f.sweep_usd,
        "<=",
        "beyond_share_max",
    ),
    GateSpec(
        "prior_funding",
        ("own_crowd_percentile",),
        same("own_crowd_percentile"),
        ">=",
        "prior_crowd_percentile_min",
    ),
    GateSpec("tight_stop", ("sweep_far_distance_pct",), _stop_pct, "<=", "stop_pct_max"),
    GateSpec("stop_behind", ("sweep_far_distance_pct",), _stop_pct, ">", 0.0),
    MAP_SKILL,
)


def exits(features: Features, params: GrabReverseParams) -> Exits:
    """Take at the near edge of the cluster ahead if it lies at a sensible multiple of the risk, else at a fixed one."""
    stop_pct = _stop_pct(features, params)
    take_pct = features.ahead_distance_pct
    # An absent cluster (NaN) fails the comparison and falls through to the fixed multiple.
    if not params.take_r_min * stop_pct <= take_pct <= params.take_r_max * stop_pct:
        take_pct = params.take_r * stop_pct
    return Exits(stop_pct, take_pct)


def why(features: Features, exits: Exits) -> str:
    return (
        f"a cluster of ${features.sweep_usd:,.0f} ({features.sweep_ratio:.1f}x usual) that lay "
        f"{features.sweep_distance_pct:.1f} % away was swept at {features.sweep_volume_ratio:.1f}x volume and rejected "
        f"{features.sweep_age_min:.0f} min ago; stop {exits.stop_pct:.2f} % away, beyond the wick"
    )


GRAB_REVERSE: Final = Strategy("grab_reverse", GATES, exits, why)
