"""What somebody may turn about the strategies: thresholds of gates and where exits lie. Defaults are the product's.

A threshold of `None` means the gate is not asked: it is shown in the verdict and passes.
"""

import difflib
from typing import Final

from pydantic import BaseModel, ConfigDict, Field, field_validator

# Gates that a profile may let pass when their input is absent: recorded tapes often lack these feeds. Others refuse.
WAIVABLE: Final = ("flow", "flow_flipped", "oi_dropped", "oi_rising", "prints_stopped", "prior_funding")


class StrictParams(BaseModel):
    """Frozen and strict: an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class StrategyParams(StrictParams):
    """What every strategy has."""

    enabled: bool = Field(True, description="Whether this strategy is asked at all.")
    max_hold_ms: int = Field(14_400_000, ge=60_000, le=604_800_000, description="Time exit after the signal.")
    expiry_ms: int = Field(
        60_000,
        ge=1_000,
        le=3_600_000,
        description="An unfilled entry is withdrawn this long after the newest bar's span.",
    )
    map_skill_share_min: float | None = Field(
        None,
        ge=-1.0,
        le=1.0,
        description="The map's own score of the last days (share of deviance explained) must be this or more; a map "
        "that has no score yet does not pass.",
    )


class GrabReverseParams(StrategyParams):
    """Liquidation grab and reverse."""

    distance_pct_min: float = Field(
        2.0, ge=0.0, le=20.0, description="The swept cluster lay at least this far from price before the sweep."
    )
    distance_pct_max: float = Field(
        5.0, gt=0.0, le=20.0, description="The swept cluster lay at most this far from price before the sweep."
    )
    size_ratio_min: float = Field(
        1.5, ge=0.0, le=100.0, description="Swept cluster against the rolling median of the coin's largest clusters."
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
    prior_crowd_percentile_min: float | None = Field(
        None,
        ge=0.0,
        le=100.0,
        description="Funding percentile of the crowd that was flushed, at least (100: most crowded).",
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


class CascadeParams(StrategyParams):
    """Cascade confirmation."""

    bias_min: float = Field(
        0.5, gt=0.0, le=1.0, description="Directional bias toward the trade; 1.0 is a given bias or a full trend."
    )
    distance_pct_max: float = Field(5.0, gt=0.0, le=20.0, description="The cluster ahead is at most this far away.")
    size_ratio_min: float = Field(
        1.2, ge=0.0, le=100.0, description="Cluster ahead against the rolling median of the coin's largest clusters."
    )
    momentum_pct_min: float = Field(
        0.2, ge=-10.0, le=10.0, description="One-hour return toward the cluster: price is breaking into it."
    )
    volume_ratio_min: float = Field(1.5, ge=0.0, le=1_000.0, description="Volume rate over its rolling mean.")
    flow_min: float | None = Field(0.05, ge=-1.0, le=1.0, description="Taker imbalance toward the trade.")
    fuel_share_min: float = Field(
        0.5, ge=0.0, le=1.0, description="Share of the nearby fuel that lies ahead; below it the trade is reconsidered."
    )
    behind_share_max: float = Field(
        1.0, ge=0.0, le=100.0, description="Largest cluster behind over the cluster ahead, at most."
    )
    rejected_age_min: float = Field(
        60.0,
        ge=0.0,
        lt=10_080.0,
        description="A cluster ahead that rejected price this recently is no target (minutes).",
    )
    oi_change_pct_min: float | None = Field(
        None, ge=-100.0, le=100.0, description="One-hour change of open interest: new fuel is being added."
    )
    stop_range: float = Field(1.0, gt=0.0, le=10.0, description="Stop distance in mean hourly ranges.")
    stop_pct_min: float = Field(0.4, gt=0.0, le=10.0, description="Stop distance at least.")
    stop_pct_max: float = Field(2.5, gt=0.0, le=10.0, description="A stop farther than this: no trade.")
    reward_min: float = Field(
        1.5, gt=0.0, le=20.0, description="Distance to the cluster's peak over the stop distance."
    )


class FundingSqueezeParams(StrategyParams):
    """Funding-rate divergence."""

    crowd_percentile_min: float = Field(
        95.0, ge=50.0, le=100.0, description="How extreme funding is against the trade's side, within the kept history."
    )
    funding_pct_min: float = Field(
        0.02, ge=0.0, le=10.0, description="What the crowd on the other side pays per eight hours, at least."
    )
    distance_pct_max: float = Field(5.0, gt=0.0, le=20.0, description="The crowd's cluster is at most this far away.")
    size_ratio_min: float = Field(
        1.0, ge=0.0, le=100.0, description="Cluster ahead against the rolling median of the coin's largest clusters."
    )
    fuel_share_min: float = Field(0.55, ge=0.0, le=1.0, description="Share of the nearby fuel that lies ahead.")
    oi_change_pct_min: float | None = Field(
        0.0, ge=-100.0, le=100.0, description="24-hour change of open interest: the crowd is still growing."
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


class SignalParams(StrictParams):
    """Parameters of all strategies."""

    cluster_reach_pct: float = Field(
        6.0, gt=0.0, le=30.0, description="Clusters farther from price than this are not looked at."
    )
    waive: tuple[str, ...] = Field(
        (), description=f"Gates that pass when their input is absent, counted in every report: {', '.join(WAIVABLE)}."
    )
    grab_reverse: GrabReverseParams = Field(GrabReverseParams(), description="Liquidation grab and reverse.")
    cascade: CascadeParams = Field(CascadeParams(), description="Cascade confirmation.")
    funding_squeeze: FundingSqueezeParams = Field(FundingSqueezeParams(), description="Funding-rate divergence.")

    @field_validator("waive")
    @classmethod
    def _only_waivable(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        for name in names:
            if name not in WAIVABLE:
                near = difflib.get_close_matches(name, WAIVABLE, n=1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                raise ValueError(f"waive: {name!r} cannot be waived; only {', '.join(WAIVABLE)} can{hint}")
        return names
