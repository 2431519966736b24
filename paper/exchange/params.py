"""What a user may turn in the simulated exchange: money, latency, slippage and how it treats prices."""

from decimal import Decimal
from typing import Literal

from pydantic import BaseModel, Field


class PaperParams(BaseModel, frozen=True, extra="forbid", allow_inf_nan=False):
    wallet_usd: Decimal = Field(Decimal(10_000), ge=0, le=10**9, description="Wallet balance per venue at the start.")
    bar_order: Literal["adverse", "friendly"] = Field(
        "adverse",
        description="Which extreme of a bar comes first: the one against our position, or the one for it. A bar does "
        "not tell; the truth lies between both.",
    )
    latency_ms: int = Field(
        200,
        ge=0,
        le=60_000,
        description="From the house to the exchange; answers and fills come back at once, so this is the round trip.",
    )
    market_slippage_bps: float = Field(
        1.0, ge=0, le=1_000, description="How much worse than the traded price a market order fills."
    )
    stop_slippage_bps: float = Field(
        3.0, ge=0, le=1_000, description="How much worse than its trigger, or the traded price beyond it, a stop fills."
    )
    impact_bps: float = Field(
        10.0,
        ge=0,
        le=1_000,
        description="How much worse still an order fills that takes as much as the market trades in a usual minute; it "
        "grows with the square root of the size.",
    )
    depth_pct: float = Field(
        50.0,
        gt=0,
        le=10_000,
        description="An order fills at most this share of a usual minute's volume at once, the rest after pauses.",
    )
    fill_usd_max: float | None = Field(
        None, gt=0, le=1e9, description="An order fills at most this much at once, the rest after pauses."
    )
    fill_pause_ms: int = Field(
        250, ge=1, le=60_000, description="Pause between the pieces of an order that does not fill at once."
    )
    liquidation_fee_pct: float = Field(
        1.25, ge=0, le=10, description="Charged on a forced close where the venue's own figure is not known."
    )
    insurance_usd: Decimal = Field(
        Decimal(1_000_000),
        ge=0,
        le=10**12,
        description="Insurance fund per venue at the start: it pays for closes beyond bankruptcy until it is empty.",
    )
    mark_gap_ms_max: int = Field(
        5_000,
        ge=0,
        le=3_600_000,
        description="With a longer gap between mark prices, traded prices stand in for the mark inside a bar.",
    )
    price_band_pct: float | None = Field(
        None, gt=0, le=100, description="Limit orders further from the mark are refused; no band when absent."
    )
    leverage_initial: int = Field(1, ge=1, le=125, description="Leverage of an instrument before it is set.")
