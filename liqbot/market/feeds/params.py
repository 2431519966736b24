"""Parameters of the live feeds."""

from pydantic import BaseModel, ConfigDict, Field


class FeedParams(BaseModel):
    """How live market data is gathered."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    trade_span_ms: int = Field(
        250, ge=50, le=60_000, description="Trades of a contract are gathered into bars of this span, by venue time."
    )
    flush_ms: int = Field(250, ge=20, le=5_000, description="How often what was gathered is handed to the house.")
    silence_factor: float = Field(
        10.0, ge=2, le=1_000, description="A stream is silent after this many of its own usual gaps, and not before "
        "the longest silence that is usual at its venue."
    )
    retry_s_max: float = Field(30.0, ge=1, le=600, description="Longest pause between two attempts to subscribe.")
    inferred: bool = Field(
        False, description="Read feeds too whose shape is known from the unified client's parser alone."
    )
    tier_check_h: float = Field(6.0, gt=0, le=168, description="How often published margin tiers are compared.")
