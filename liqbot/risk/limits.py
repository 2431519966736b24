"""What risk allows: limits that somebody may tighten, and ceilings in code that no configuration lifts."""

from collections.abc import Sequence
from typing import Final

from pydantic import Field, field_validator, model_validator

from liqbot.instruments import split_venue_key
from liqbot.risk.blackouts import blackout_of
from liqbot.strict_params import StrictParams, limit

LEVERAGE_CEILING: Final = 5
RISK_PCT_CEILING: Final = 2.0
CORE_VENUES: Final = ("binance", "bybit", "okx")
"""They carry most of what liquidation feeds tell: without one of them a map is of another market."""
_COOLDOWN_MS_MAX: Final = 30 * 86_400_000


class RiskLimits(StrictParams):
    """Frozen and strict. 1.0 is 1 %; a percentage is of equity unless its description says otherwise."""

    # How much
    leverage_max: int = limit(5, "Leverage is chosen from here downward.", ceiling=LEVERAGE_CEILING, ge=1)
    risk_per_trade_pct: float = limit(
        0.5, "Loss at the stop, fees and slippage included.", ceiling=RISK_PCT_CEILING, gt=0
    )
    risk_per_trade_usd: float | None = Field(
        None, gt=0, le=10_000_000,
        description="The same as an amount, in place of the share; never above the share's ceiling.",
    )
    liquidation_loss_pct_max: float = limit(
        20.0, "Loss if the stop fails and the position is liquidated.", ceiling=25.0, gt=0
    )
    crowded_loss_pct_max: float = limit(
        5.0, "The same of an open position at whose liquidation price the map has come to be dense: more is reduced.",
        ceiling=25.0, gt=0,
    )
    positions_max: int = limit(2, "Open positions at the same time.", ceiling=5, ge=1)
    exposure_max: float = limit(3.0, "Notional of all positions over equity.", ceiling=5.0, gt=0)
    margin_pct_max: float = limit(30.0, "Isolated margin of one position.", ceiling=50.0, gt=0)
    order_notional_usd_max: float = limit(250_000.0, "Notional of one entry.", ceiling=5_000_000.0, gt=0)
    day_notional_usd_max: float = limit(
        2_500_000.0, "Notional of all entries of a UTC day.", ceiling=50_000_000.0, gt=0
    )
    volume_share_pct_max: float = limit(
        2.0, "Entry in percent of the trading venue's usual volume per minute.", ceiling=10.0, gt=0
    )
    slippage_pct: float = limit(0.05, "Allowance per market fill, in percent of price.", ge=0, le=1.0)

    # When to stop
    daily_loss_pct_max: float = limit(
        3.0, "Flow-adjusted loss since 00:00 UTC; latches until the next day.", ceiling=10.0, gt=0
    )
    weekly_loss_pct_max: float = limit(
        6.0, "The same since Monday 00:00 UTC; latches until the next week.", ceiling=20.0, gt=0
    )
    drawdown_pct_max: float = limit(
        12.0, "Fall from the highest equity ever; latches until resumed by hand.", ceiling=30.0, gt=0
    )
    cooldown_after_loss_ms: int = limit(
        3_600_000, "No entry of a strategy in a coin after its trade there that lost.", ge=0, le=_COOLDOWN_MS_MAX
    )
    cooldown_after_trade_ms: int = limit(
        300_000, "No entry of a strategy in a coin after any trade of its there.", ge=0, le=_COOLDOWN_MS_MAX
    )
    unexplained_ms: int = limit(
        15_000, "A change of balance waits this long for the fact that explains it.", ge=0, le=600_000
    )

    correlated_ms: int = limit(
        3_600_000, "Entries on the same side of different coins within this time are one risk.", ge=0, le=86_400_000
    )
    blackouts: tuple[str, ...] = Field(
        (), description="UTC times without entries, as 13:25-14:00 (every day) or Fri 12:25-13:30."
    )
    caution_oi_pct_min: float = limit(
        5.0, "Rise of open interest in 24 hours that calls for caution where funding is extreme too.", gt=0, le=100
    )
    caution_percentile_min: float = limit(
        95.0, "Funding counts as extreme from this percentile of its history on, to either side.", ge=50, le=100
    )
    caution_size_pct: float = limit(
        50.0, "Share of its size that an entry has then; beside the crowd there is none.", ceiling=100.0, gt=0
    )

    # What must be known
    core_venues: tuple[str, ...] = Field(
        CORE_VENUES,
        description="While one of these is silent nothing is entered; with money all of them have to be watched.",
    )
    warmth_pct_min: float = limit(
        40.0, "Warmth of the map on both sides; from nothing it takes some four days to get there.", ge=0, le=100
    )
    map_skill_share_min: float = limit(
        0.0, "The map's own score of the last days, share of deviance explained; without a score it is not asked.",
        ge=-1, le=1,
    )
    live_venues_min: int = limit(1, "Venues whose feeds are live.", ge=1, le=64)
    age_ms_max: int = limit(5_000, "Age of the trading venue's newest price.", ceiling=60_000, ge=0)
    lag_ms_max: int = limit(2_000, "Wall time behind event time.", ceiling=10_000, ge=0)
    mark_age_ms_max: int = limit(
        30_000, "Age of the test market's mark; with money there is none.", ceiling=300_000, ge=1_000
    )
    mark_deviation_pct_max: float = limit(
        3.0, "The test market's mark against production's: beyond it nothing is entered.", ceiling=10.0, ge=0
    )
    mark_spread_pct_max: float = limit(
        0.2, "Its newest comparison with production against the median of the last ones.", ceiling=2.0, gt=0
    )

    # Where
    price_band_pct: float = limit(
        1.0, "Entry against the index price (last price without an index).", ceiling=3.0, gt=0
    )
    stop_pct_min: float = limit(0.15, "Stop distance, in percent of the entry: nearer is noise.", gt=0)
    stop_pct_max: float = limit(4.0, "Stop distance, in percent of the entry.", ceiling=10.0, gt=0)
    reward_min: float = limit(1.2, "Distance to the take over distance to the stop, both after costs.", ge=0, le=100)
    edge_needed_pct_max: float = limit(
        15.0,
        "Percentage points of win rate beyond a random walk's that a trade needs to pay fees, slippage and funding.",
        ge=0,
        le=100,
    )

    # While a position is open
    break_even_r: float = limit(
        1.0, "The stop goes to break-even once price has moved this many R our way.", gt=0, le=100
    )
    trail_range: float = limit(1.5, "From then on the stop trails at this many mean hourly ranges.", gt=0, le=100)
    stop_step_pct: float = limit(0.1, "A stop is moved only by at least this much of the price.", ge=0, le=5)
    liquidation_divergence_pct: float = limit(
        1.0,
        "The venue's liquidation price may lie this much nearer than our own, in percent of the entry.",
        gt=0,
        le=20,
    )

    @field_validator("blackouts")
    @classmethod
    def _readable(cls, windows: tuple[str, ...]) -> tuple[str, ...]:
        for text in windows:
            blackout_of(text)
        return windows

    @model_validator(mode="after")
    def _in_order(self) -> "RiskLimits":
        for low, high in (("stop_pct_min", "stop_pct_max"), ("daily_loss_pct_max", "weekly_loss_pct_max")):
            low_value, high_value = getattr(self, low), getattr(self, high)
            if low_value > high_value:
                raise ValueError(f"{low}: {low_value} must not be above {high} ({high_value})")
        return self


def of_watched(limits: RiskLimits, venues: Sequence[str]) -> RiskLimits:
    """Where not every core venue is watched, the others are asked for; `unwatched_core` says what that lacks."""
    lacking = unwatched_core(limits, venues)
    if not lacking:
        return limits
    return limits.model_copy(update={"core_venues": tuple(one for one in limits.core_venues if one not in lacking)})


def unwatched_core(limits: RiskLimits, venues: Sequence[str]) -> tuple[str, ...]:
    """Core venues that are not among these venue keys; a venue counts with any of its contracts."""
    watched = {split_venue_key(key)[0] for key in venues}
    return tuple(venue for venue in limits.core_venues if venue not in watched)
