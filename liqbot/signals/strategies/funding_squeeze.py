"""Funding-rate divergence: one side pays dearly to stay in, and its liquidations lie dense ahead; trade against it."""

from typing import Final

from pydantic import Field

from liqbot.accounting.positions import Position
from liqbot.market.view import MarketView
from liqbot.signals.cluster_trades import CLUSTER_AHEAD, WORTH_THE_STOP, to_the_peak
from liqbot.signals.features import Features
from liqbot.signals.gates import FUEL_BEHIND, MAP_SKILL, GateSpec, same
from liqbot.signals.invalidation import LiquidationShareParams, share_turned
from liqbot.signals.strategy import Exits, Reason, Strategy


class FundingSqueezeParams(LiquidationShareParams):
    """Funding-rate divergence."""

    opposite_funding_percentile_min: float = Field(
        95.0, ge=50.0, le=100.0, description="How extreme funding is against the trade's side, within the kept history."
    )
    funding_pct_min: float = Field(
        0.0, ge=0.0, le=10.0, description="What the opposite side pays per eight hours is more than this."
    )
    funding_apart_pct_min: float = Field(
        0.03, ge=0.0, le=10.0,
        description="What it pays more than usually: staying in for a day costs about as much as leaving.",
    )
    us_spread_pct_min: float | None = Field(
        None, ge=-10.0, le=10.0,
        description="What the trade's own side pays at US-regulated venues more than offshore, at least.",
    )
    distance_pct_max: float = Field(
        5.0, gt=0.0, le=20.0, description="The opposite side's cluster is at most this far away."
    )
    size_ratio_min: float = Field(
        1.0, ge=0.0, le=100.0,
        description="How far the cluster ahead stands out, against what usually does at its distance.",
    )
    notional_ahead_share_min: float = Field(
        0.5, ge=0.0, le=1.0, description="Share of the liquidation notional in range that lies ahead, at least."
    )
    oi_change_pct_min: float | None = Field(
        0.0, ge=-100.0, le=100.0, description="24-hour change of open interest: the opposite side is still growing."
    )
    adverse_pct_max: float = Field(
        0.1,
        ge=0.0,
        le=10.0,
        description="One-hour return against the trade, at most: price no longer moves against it.",
    )
    stop_range: float = Field(1.5, gt=0.0, le=10.0, description="Stop distance in mean hourly ranges.")
    stop_pct_min: float = Field(0.6, gt=0.0, le=10.0, description="Stop distance at least.")
    stop_pct_max: float = Field(2.5, gt=0.0, le=10.0, description="A stop farther than this: no trade.")
    reward_min: float = Field(
        1.5, gt=0.0, le=20.0, description="Distance to the cluster's peak over the stop distance."
    )
    max_hold_ms: int = Field(86_400_000, ge=60_000, le=604_800_000, description="Time exit after the signal.")


GATES: Final = (
    GateSpec("funding_paid", ("funding_pct",), same("funding_pct"), ">", "funding_pct_min"),
    GateSpec("funding_apart", ("funding_apart_pct",), same("funding_apart_pct"), ">=", "funding_apart_pct_min"),
    GateSpec(
        "funding_extreme",
        ("opposite_funding_percentile",),
        same("opposite_funding_percentile"),
        ">=",
        "opposite_funding_percentile_min",
    ),
    GateSpec(
        "us_spread", ("funding_spread_pct",), same("funding_spread_pct"), ">=", "us_spread_pct_min", waivable=True
    ),
    *CLUSTER_AHEAD,
    GateSpec("cluster_size", ("ahead_ratio",), same("ahead_ratio"), ">=", "size_ratio_min"),
    FUEL_BEHIND,
    GateSpec("oi_rising", ("oi_change_24h_pct",), same("oi_change_24h_pct"), ">=", "oi_change_pct_min", waivable=True),
    GateSpec(
        "not_against",
        ("return_1h_pct",),
        lambda f, _p: -f.return_1h_pct,
        "<=",
        "adverse_pct_max",
    ),
    *WORTH_THE_STOP,
    MAP_SKILL,
)


def why(features: Features, exits: Exits) -> str:
    return (
        f"the opposite side pays {features.funding_pct:.3f} % per 8 h, {features.funding_apart_pct:.3f} % more than "
        "usually "
        f"(percentile {features.opposite_funding_percentile:.0f}), its cluster of ${features.ahead_usd:,.0f} "
        f"lies {features.ahead_distance_pct:.1f} % ahead; "
        f"stop {exits.stop_pct:.2f} % away"
    )


def funding_calm(view: MarketView, position: Position, _params: FundingSqueezeParams) -> Reason | None:
    """The opposite side no longer pays (an unknown rate says nothing)."""
    paid_pct = -float(position.side) * view.funding_8h_pct
    return Reason("FUNDING_CALM", f"funding is {view.funding_8h_pct:.4f} % per 8 h") if paid_pct <= 0 else None


STRATEGY: Final = Strategy(
    "funding_squeeze", FundingSqueezeParams, GATES, to_the_peak, why,
    invalidations=(share_turned, funding_calm), rank=30,
)
