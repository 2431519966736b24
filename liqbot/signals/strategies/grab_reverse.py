"""Liquidation grab and reverse: price wicks into a heavy cluster, volume expands, price is rejected at once; take the
reversal with a tight stop just beyond what was swept."""

from collections.abc import Iterator
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
    age_min_max: float = Field(
        15.0, gt=0.0, le=1_440.0, description="Minutes since the rejection, beyond one bar, at most."
    )
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
    fuel_spent_share_min: float = Field(
        0.15, ge=0.0, le=1.0,
        description="Of the fuel that lay on that side before the approach, the part gone through, at least.",
    )
    beyond_ratio_max: float = Field(
        0.6, ge=0.0, le=100.0,
        description="How dense the map is next beyond wick and swept clusters, over how dense those were, at most.",
    )
    prior_funding_percentile_min: float | None = Field(
        None,
        ge=0.0,
        le=100.0,
        description="Funding percentile of the side that was flushed, at least (100: most crowded).",
    )
    cooldown_ms: int = Field(
        3_600_000, ge=0, le=604_800_000,
        description="No entry of this strategy in a coin so long after its last trade there: a flush is taken once.",
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
    GateSpec(
        "recent",
        ("sweep_age_min", "bar_span_min"),
        lambda f, _p: f.sweep_age_min - f.bar_span_min,
        "<=",
        "age_min_max",
    ),
    GateSpec("rejected", ("sweep_seen", "sweep_rejected"), same("sweep_rejected"), ">=", 1.0),
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
        "fuel_spent", ("sweep_fuel_spent_share",), same("sweep_fuel_spent_share"), ">=", "fuel_spent_share_min"
    ),
    GateSpec("thin_beyond", ("sweep_beyond_ratio",), same("sweep_beyond_ratio"), "<=", "beyond_ratio_max"),
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
    """Take at the near edge of the cluster ahead, or where the map gets thin, if that lies at a sensible multiple of
    the risk, else at a fixed one."""
    stop_pct = _stop_pct(features, params)
    nearest_pct, farthest_pct = params.take_r_min * stop_pct, params.take_r_max * stop_pct
    # An absent cluster (NaN) fails the comparison.
    places = (features.ahead_distance_pct, *sorted(_thin_pct(features)))
    take_pct = next((pct for pct in places if nearest_pct <= pct <= farthest_pct), params.take_r * stop_pct)
    return Exits(stop_pct, take_pct)


def _thin_pct(features: Features) -> Iterator[float]:
    """How far ahead the stretches begin in which nobody is forced to close: what carries price there is spent."""
    view, side = features.view, features.side
    for zone in view.thin_zones:
        near_price = zone.price_low if side > 0 else zone.price_high
        yield side * view.map.distances.moved_pct(view.mark_price, near_price)


def why(features: Features, exits: Exits) -> str:
    return (
        f"a cluster of ${features.sweep_usd:,.0f} ({features.sweep_ratio:.1f}x usual) that lay "
        f"{features.sweep_distance_pct:.1f} % away was swept at {features.sweep_volume_ratio:.1f}x volume and rejected "
        f"{features.sweep_age_min:.0f} min ago; stop {exits.stop_pct:.2f} % away, beyond the wick"
    )


STRATEGY: Final = Strategy("grab_reverse", GrabReverseParams, GATES, exits, why, rank=10)
"""Nothing invalidates it before its exits: its stop lies where its reason ends."""
