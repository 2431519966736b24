"""Cascade confirmation: price leans toward a large cluster, breaks into it and speeds up inside; forced orders there
carry it to the next one. Little fuel ahead and much behind: no trade."""

from typing import Final

from pydantic import Field

from liqbot.accounting.positions import Position
from liqbot.market.view import MarketView
from liqbot.signals.cluster_trades import CLUSTER_AHEAD, WORTH_THE_STOP, to_the_peak
from liqbot.signals.features import Features
from liqbot.signals.gates import FUEL_BEHIND, MAP_SKILL, GateSpec, same
from liqbot.signals.invalidation import LiquidationShareParams, share_turned
from liqbot.signals.strategy import Exits, Reason, Strategy


class CascadeParams(LiquidationShareParams):
    """Cascade confirmation."""

    bias_min: float = Field(
        0.5, gt=0.0, le=1.0, description="Directional bias toward the trade; 1.0 is a given bias or a full trend."
    )
    break_age_min_max: float = Field(
        15.0, gt=0.0, le=20_160.0,
        description="Minutes since price went into the cluster it has not come back out of, beyond one bar; more than "
        "a week, 10080: also where it is in none.",
    )
    size_ratio_min: float = Field(
        1.2, ge=0.0, le=100.0,
        description="How far that cluster stood out, against what usually does at its distance.",
    )
    acceleration_ratio_min: float = Field(
        0.5, ge=-100.0, le=100.0,
        description="How much more price moved over the last minutes than over those before, in usual ranges.",
    )
    distance_pct_max: float = Field(
        5.0, gt=0.0, le=20.0, description="The next cluster, which is the target, is at most this far away."
    )
    volume_ratio_min: float = Field(1.5, ge=0.0, le=1_000.0, description="Volume rate over its rolling mean.")
    flow_min: float | None = Field(0.05, ge=-1.0, le=1.0, description="Taker imbalance toward the trade.")
    notional_ahead_share_min: float = Field(
        0.4, ge=0.0, le=1.0, description="Share of the liquidation notional in range that lies ahead, at least."
    )
    oi_change_pct_min: float | None = Field(
        None, ge=-100.0, le=100.0, description="One-hour change of open interest: new positions are being opened."
    )
    stop_range: float = Field(1.0, gt=0.0, le=10.0, description="Stop distance in mean hourly ranges.")
    stop_pct_min: float = Field(0.4, gt=0.0, le=10.0, description="Stop distance at least.")
    stop_pct_max: float = Field(2.5, gt=0.0, le=10.0, description="A stop farther than this: no trade.")
    reward_min: float = Field(
        1.5, gt=0.0, le=20.0, description="Distance to the next cluster's peak over the stop distance."
    )


GATES: Final = (
    GateSpec("bias", ("bias",), same("bias"), ">=", "bias_min"),
    GateSpec(
        "broke_in",
        ("ahead_inside_min", "bar_span_min"),
        lambda f, _p: f.ahead_inside_min - f.bar_span_min,
        "<=",
        "break_age_min_max",
    ),
    GateSpec("cluster_size", ("ahead_inside_ratio",), same("ahead_inside_ratio"), ">=", "size_ratio_min"),
    GateSpec("accelerates", ("acceleration_ratio",), same("acceleration_ratio"), ">=", "acceleration_ratio_min"),
    FUEL_BEHIND,
    *CLUSTER_AHEAD,
    GateSpec("volume", ("volume_ratio",), same("volume_ratio"), ">=", "volume_ratio_min"),
    GateSpec("flow", ("flow",), same("flow"), ">=", "flow_min", waivable=True),
    GateSpec("oi_rising", ("oi_change_1h_pct",), same("oi_change_1h_pct"), ">=", "oi_change_pct_min", waivable=True),
    *WORTH_THE_STOP,
    MAP_SKILL,
)


def why(features: Features, exits: Exits) -> str:
    return (
        f"bias {features.bias:+.2f}; price broke into a cluster ({features.ahead_inside_ratio:.1f}x usual) "
        f"{features.ahead_inside_min:.0f} min ago and speeds up ({features.acceleration_ratio:.1f} usual ranges); "
        f"the next, of ${features.ahead_usd:,.0f}, lies {features.ahead_distance_pct:.1f} % ahead, with "
        f"{100.0 * features.notional_ahead_share:.0f} % of the liquidations in range; "
        f"{features.volume_ratio:.1f}x volume; stop {exits.stop_pct:.2f} % away"
    )


def target_rejected(view: MarketView, position: Position, _params: CascadeParams) -> Reason | None:
    """Price came back out of the cluster ahead, whether we entered before it was reached or inside it."""
    sweep = view.ahead(position.side).sweep
    if sweep is None or not sweep.rejected or sweep.ended_ms < position.opened_ms:
        return None
    return Reason("CLUSTER_SPENT", f"the cluster of ${sweep.cluster_usd:,.0f} ahead was swept and price was rejected")


STRATEGY: Final = Strategy(
    "cascade", CascadeParams, GATES, to_the_peak, why, invalidations=(share_turned, target_rejected), rank=20
)
