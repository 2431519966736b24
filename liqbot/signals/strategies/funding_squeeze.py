"""Funding-rate divergence: a crowd pays dearly to stay on one side and its liquidations lie dense ahead; squeeze it."""

from typing import Any, Final

from liqbot.signals.features import Features
from liqbot.signals.gates import MAP_SKILL, Exits, GateSpec, Strategy, larger, same
from liqbot.signals.params import FundingSqueezeParams


def _stop_pct(features: Features, params: FundingSqueezeParams) -> Any:
    return larger(params.stop_range * features.range_pct, params.stop_pct_min)


GATES: Final = (
    GateSpec("funding_paid", ("funding_pct",), same("funding_pct"), ">=", "funding_pct_min"),
    GateSpec("funding_extreme", ("crowd_percentile",), same("crowd_percentile"), ">=", "crowd_percentile_min"),
    GateSpec("cluster_ahead", ("ahead_seen",), same("ahead_seen"), ">=", 1.0),
    GateSpec("not_too_far", ("ahead_distance_pct",), same("ahead_distance_pct"), "<=", "distance_pct_max"),
    GateSpec("cluster_size", ("ahead_ratio",), same("ahead_ratio"), ">=", "size_ratio_min"),
    GateSpec("fuel_ahead", ("fuel_share",), same("fuel_share"), ">=", "fuel_share_min"),
    GateSpec("oi_rising", ("oi_change_24h_pct",), same("oi_change_24h_pct"), ">=", "oi_change_pct_min"),
    GateSpec(
        "not_against",
        ("return_1h_pct",),
        lambda f, _p: -f.return_1h_pct,
        "<=",
        "adverse_pct_max",
    ),
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


def exits(features: Features, params: FundingSqueezeParams) -> Exits:
    """Take at the peak of the crowd's cluster, where it is forced to close."""
    return Exits(_stop_pct(features, params), features.ahead_peak_distance_pct)


def why(features: Features, exits: Exits) -> str:
    return (
        f"the crowd ahead pays {features.funding_pct:.3f} % per 8 h (percentile {features.crowd_percentile:.0f}), its "
        f"cluster of ${features.ahead_usd:,.0f} lies {features.ahead_distance_pct:.1f} % ahead; "
        f"stop {exits.stop_pct:.2f} % away"
    )


FUNDING_SQUEEZE: Final = Strategy("funding_squeeze", GATES, exits, why)
