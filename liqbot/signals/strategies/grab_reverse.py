"""Liquidation grab and reverse: price wicks into a heavy cluster, volume expands, price is rejected at once; take the
reversal with a tight stop just beyond what was swept."""

from typing import Any, Final

from pydantic import Field

from liqbot.signals.features import Features
from liqbot.signals.gates import MAP_SKILL, GateSpec, larger, same
from liqbot.signals.strategy import Exits, Strategy, StrategyParams


class GrabReverseParams(StrategyParams):
    """Liquidation grab and reverse."""

    distance_pct_min: float = Field(
        2.0, ge=0.0, le=20.0, description="The swept cluster lay at least this far from price before the sweep."
    )
    distance_pct_max: float = Field(
        5.0, gt=0.0, le=20.0, description="The swept cluster lay at most this far from price before the sweep."
    )
    size_ratio_min: float = Field(
        1.5, ge=0.0, le=100.0,
        description="How far the swept cluster stood out, against what usually does at its distance.",
    )
    rejected_within_min: float = Field(
        30.0, gt=0.0, le=1_440.0, description="Minutes from touch to rejection, beyond the span of one bar."
    )
    age_min_max: float = Field(15.0, gt=0.0, le=1_440.0, description="Minutes since the rejection, at most.")
    volume_ratio_min: float = Field(
        3.0, ge=0.0, le=1_000.0, description="Largest volume rate during the sweep over its rolling mean."
    )
    oi_change_pct_max: float | None = Field(
        -0.5, ge=-100.0, le=0.0, description="Open interest must have changed by this or less since the sweep began."
    )
    flow_after_min: float | None = Field(
        0.02, ge=-1.0, le=1.0, description="Taker imbalance toward the trade since the extreme, at least."
    )
    printed_after_share_max: float | None = Field(
        0.25, ge=0.0, le=10.0, description="Forced flow since the rejection over forced flow during the sweep, at most."
    )
    beyond_share_max: float = Field(
        0.6, ge=0.0, le=100.0, description="Largest cluster left beyond the wick over the swept cluster, at most."
    )
    prior_funding_percentile_min: float | None = Field(
        None,
        ge=0.0,
        le=100.0,
        description="Funding percentile of the side that was flushed, at least (100: most crowded).",
    )
    stop_buffer_pct: float = Field(
        0.15, gt=0.0, le=5.0, description="Stop beyond the farther of the wick's extreme and the cluster's far edge."
    )
    stop_pct_max: float = Field(2.5, gt=0.0, le=10.0, description="A stop farther than this is not tight: no trade.")
    take_r: float = Field(
        2.0, gt=0.0, le=20.0, description="Take in multiples of the stop distance without a cluster ahead."
    )
    take_r_min: float = Field(1.5, gt=0.0, le=20.0, description="A cluster ahead nearer than this many R is no target.")
    take_r_max: float = Field(
        4.0, gt=0.0, le=50.0, description="A cluster ahead farther than this many R is no target."
    )


def _stop_pct(features: Features, params: GrabReverseParams) -> Any:
    return features.sweep_far_distance_pct + params.stop_buffer_pct


_LEAST_USD: Final = 1.0
"""Of a sweep in which nothing was forced, whatever is forced after it is too much; nothing after it is not."""

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
    GateSpec(
        "oi_dropped",
        ("sweep_oi_change_pct",),
        same("sweep_oi_change_pct"),
        "<=",
        "oi_change_pct_max",
        waivable=True,
    ),
    GateSpec("flow_flipped", ("sweep_flow_after",), same("sweep_flow_after"), ">=", "flow_after_min", waivable=True),
    GateSpec(
        "prints_stopped",
        ("sweep_printed_after_usd", "sweep_printed_usd"),
        lambda f, _p: f.sweep_printed_after_usd / larger(f.sweep_printed_usd, _LEAST_USD),
        "<=",
        "printed_after_share_max",
        waivable=True,
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
        ("own_funding_percentile",),
        same("own_funding_percentile"),
        ">=",
        "prior_funding_percentile_min",
        waivable=True,
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


STRATEGY: Final = Strategy("grab_reverse", GrabReverseParams, GATES, exits, why, rank=10)
"""Nothing invalidates it before its exits: its stop lies where its reason ends."""
