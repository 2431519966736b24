"""What may be turned in a score, with the values every published figure was made with."""

from pydantic import BaseModel, ConfigDict, Field


class ScoreParams(BaseModel):
    """Frozen. Two scores are comparable when these are the same."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    step_ms: int = Field(
        300_000, ge=1_000, le=86_400_000, description="Step of the touch measure; coarser where the tape is coarser."
    )
    origin_every_ms: int = Field(
        3_600_000, ge=60_000, le=86_400_000, description="Time between frozen forecasts; coarser on coarse tapes."
    )
    horizons_h: tuple[int, ...] = Field((1, 4, 24), min_length=1, description="How long a frozen forecast is held.")
    primary_h: int = Field(4, ge=1, le=240, description="The horizon that decides; must be one of the horizons.")
    bins: int = Field(100, ge=5, le=500, description="Score bins of 20 bp from the mark outward, on each side.")
    warmup_share: float = Field(
        0.1, ge=0, lt=0.5, description="First part of the tape, in which maps fill and nothing is scored."
    )
    train_share: float = Field(
        0.25, gt=0, lt=0.8, description="Part of the tape after it, on which the two parameters per model are fitted."
    )
    uniform_share: float = Field(
        0.05, gt=0, lt=1, description="Part of every frozen forecast spread evenly over the visited bins, the same for "
        "all models: a bin called impossible costs much, not everything.",
    )
    visited_share_min: float = Field(
        0.5, gt=0, le=1, description="Rank measures use bins of which price visited at least this part."
    )
    shuffles: int = Field(30, ge=1, le=1000, description="Maps of other times each rank measure is compared with.")
    shuffle_gap_h: int = Field(48, ge=1, le=1000, description="How far away in time those maps are at least.")
    resamples: int = Field(2000, ge=20, le=100_000, description="Bootstrap resamples of whole days.")
    large_usd: tuple[float, ...] = Field(
        (100_000.0, 1_000_000.0), min_length=1, description="Sizes of 'more than this would print if visited'."
    )
