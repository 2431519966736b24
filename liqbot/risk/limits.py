"""What risk allows: limits that somebody may tighten, and ceilings in code that no configuration lifts."""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator, model_validator

LEVERAGE_CEILING: Final = 5
_COOLDOWN_MS_MAX: Final = 30 * 86_400_000


def _limit(default: float, description: str, ceiling: float | None = None, **bounds: float) -> Any:
    """A field with its lower bound. The ceiling is the most that any configuration may ask for, judged by `RiskLimits`
    with its own message; raising one is a change of the program, not of its settings."""
    if ceiling is None:
        return Field(default, description=description, **bounds)  # type: ignore[call-overload]
    return Field(  # type: ignore[call-overload]
        default,
        description=f"{description} Ceiling {ceiling:,g}, fixed in the code.",
        json_schema_extra={"ceiling": ceiling},
        **bounds,
    )


class RiskLimits(BaseModel):
    """Frozen and strict. 1.0 is 1 %; a percentage is of equity unless its description says otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    # How much
    leverage_max: int = _limit(5, "Leverage is chosen from here downward.", ceiling=LEVERAGE_CEILING, ge=1)
    risk_per_trade_pct: float = _limit(0.5, "Loss at the stop, fees and slippage included.", ceiling=2.0, gt=0)
    liquidation_loss_pct_max: float = _limit(
        10.0, "Loss if the stop fails and the position is liquidated.", ceiling=25.0, gt=0
    )
    positions_max: int = _limit(2, "Open positions at the same time.", ceiling=5, ge=1)
    exposure_max: float = _limit(3.0, "Notional of all positions over equity.", ceiling=5.0, gt=0)
    margin_pct_max: float = _limit(30.0, "Isolated margin of one position.", ceiling=50.0, gt=0)
    order_notional_usd_max: float = _limit(250_000.0, "Notional of one entry.", ceiling=5_000_000.0, gt=0)
    day_notional_usd_max: float = _limit(
        2_500_000.0, "Notional of all entries of a UTC day.", ceiling=50_000_000.0, gt=0
    )
    volume_share_pct_max: float = _limit(
        2.0, "Entry in percent of the trading venue's usual volume per minute.", ceiling=10.0, gt=0
    )
    slippage_pct: float = _limit(0.05, "Allowance per market fill, in percent of price.", ge=0, le=1.0)

    # When to stop
    daily_loss_pct_max: float = _limit(
        3.0, "Flow-adjusted loss since 00:00 UTC; latches until the next day.", ceiling=10.0, gt=0
    )
    weekly_loss_pct_max: float = _limit(
        6.0, "The same since Monday 00:00 UTC; latches until the next week.", ceiling=20.0, gt=0
    )
    drawdown_pct_max: float = _limit(
        12.0, "Fall from the highest equity ever; latches until resumed by hand.", ceiling=30.0, gt=0
    )
    cooldown_after_loss_ms: int = _limit(
        3_600_000, "No entry in a coin after a trade that lost.", ge=0, le=_COOLDOWN_MS_MAX
    )
    cooldown_after_trade_ms: int = _limit(300_000, "No entry in a coin after any trade.", ge=0, le=_COOLDOWN_MS_MAX)
    unexplained_ms: int = _limit(
        15_000, "A change of balance waits this long for the fact that explains it.", ge=0, le=600_000
    )

    # What must be known
    warmth_pct_min: float = _limit(50.0, "Warmth of the map on both sides.", ge=0, le=100)
    live_venues_min: int = _limit(1, "Venues whose feeds are live.", ge=1, le=64)
    age_ms_max: int = _limit(5_000, "Age of the trading venue's newest price.", ceiling=60_000, ge=0)
    lag_ms_max: int = _limit(2_000, "Wall time behind event time.", ceiling=10_000, ge=0)

    # Where
    price_band_pct: float = _limit(
        1.0, "Entry against the index price (last price without an index).", ceiling=3.0, gt=0
    )
    stop_pct_min: float = _limit(0.15, "Stop distance, in percent of the entry: nearer is noise.", gt=0)
    stop_pct_max: float = _limit(4.0, "Stop distance, in percent of the entry.", ceiling=10.0, gt=0)
    reward_min: float = _limit(1.2, "Distance to the take over distance to the stop, both after costs.", ge=0, le=100)
    stop_buffer_pct: float = _limit(
        1.0, "Our own liquidation price lies at least this far beyond the stop, in percent of the entry.", gt=0, le=20
    )
    density_percentile_max: float = _limit(
        40.0, "Density percentile of the map at our own liquidation price.", ceiling=80.0, ge=0
    )
    cluster_pad_pct: float = _limit(0.1, "Our own liquidation price keeps this far from any cluster.", ge=0, le=5)
    deeper_pct_max: float = _limit(
        0.5,
        "How much deeper a limit entry may be placed to get our liquidation price into a thin zone; 0: never.",
        ge=0,
        le=5,
    )
    deeper_step_pct: float = _limit(0.25, "Step of the search for a deeper entry.", gt=0, le=5)

    # While a position is open
    break_even_r: float = _limit(
        1.0, "The stop goes to break-even once price has moved this many R our way.", gt=0, le=100
    )
    trail_range: float = _limit(1.5, "From then on the stop trails at this many mean hourly ranges.", gt=0, le=100)
    stop_step_pct: float = _limit(0.1, "A stop is moved only by at least this much of the price.", ge=0, le=5)
    fuel_share_exit: float = _limit(
        0.25,
        "Less than this share of the fuel ahead and a heavy cluster behind ends a cascade or a squeeze.",
        ge=0,
        le=0.5,
    )
    behind_ratio_exit: float = _limit(1.5, "What is heavy there: cluster size against its usual size.", ge=0, le=1_000)
    liquidation_divergence_pct: float = _limit(
        1.0,
        "The venue's liquidation price may lie this much nearer than our own, in percent of the entry.",
        gt=0,
        le=20,
    )

    @field_validator("*")
    @classmethod
    def _under_the_ceiling(cls, value: Any, info: ValidationInfo) -> Any:
        name = info.field_name or ""
        ceiling = ceiling_of(name)
        if ceiling is not None and value > ceiling:
            raise ValueError(f"{name}: {value} is above the ceiling of {ceiling:g}, which is fixed in the code")
        return value

    @model_validator(mode="after")
    def _in_order(self) -> "RiskLimits":
        for low, high in (("stop_pct_min", "stop_pct_max"), ("daily_loss_pct_max", "weekly_loss_pct_max")):
            low_value, high_value = getattr(self, low), getattr(self, high)
            if low_value > high_value:
                raise ValueError(f"{low}: {low_value} must not be above {high} ({high_value})")
        return self


def ceiling_of(name: str) -> float | None:
    """The ceiling of a field, None where there is none."""
    extra = RiskLimits.model_fields[name].json_schema_extra
    ceiling = extra.get("ceiling") if isinstance(extra, dict) else None
    return ceiling if isinstance(ceiling, int | float) else None
