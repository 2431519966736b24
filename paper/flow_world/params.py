"""Every knob of the market of drawn flow, with bounds and a description."""

from typing import Final, Self

from pydantic import Field, model_validator

from paper.world.params import CoinParams, Knobs, TradedVenue

MINUTE_MS: Final = 60_000


class FlowVenueParams(TradedVenue):
    """A venue whose forced-order feed tells late and has gaps."""

    oi_every_s: int = Field(60, ge=60, le=86_400, description="Seconds between published open interest figures.")
    delay_ms: int = Field(150, ge=0, le=60_000, description="Mean delay of a told forced order, exponential.")
    late_share: float = Field(0.005, ge=0, le=1, description="Forced orders that come much later than that.")
    late_s: float = Field(20, ge=0, le=3600, description="Mean further delay of those.")
    gaps_day: float = Field(0.0, ge=0, le=100, description="How often a day its forced-order feed is down.")
    gap_min: float = Field(20, gt=0, le=1440, description="Mean minutes of that; what happens meanwhile is never told.")


class FlowCrowdParams(Knobs):
    """What is opened, how leveraged, and when it is closed: distributions, nobody decides anything."""

    openings_day: float = Field(18_000, ge=50, le=1_000_000, description="Usual openings per day.")
    size_median_usd: float = Field(3_000, gt=0, le=1e7, description="Median size of ordinary positions (lognormal).")
    size_spread_factor: float = Field(1.4, ge=0, le=3, description="Standard deviation of its logarithm.")
    whale_share: float = Field(0.01, ge=0, le=0.2, description="Openings that are whales.")
    whale_usd: float = Field(250_000, gt=0, le=1e9, description="Smallest whale.")
    whale_tail_index: float = Field(1.2, ge=1.05, le=5, description="Pareto index of whales; lower: larger ones.")
    whale_share_of_oi: float = Field(0.02, gt=0, le=0.2, description="Largest position over usual open interest.")
    leverage_median: float = Field(18, ge=2, le=100, description="Median of the leverage people end up with.")
    leverage_spread_factor: float = Field(0.75, ge=0, le=2, description="Standard deviation of its logarithm.")
    leverage_by_size: float = Field(0.2, ge=0, le=1, description="How much less leverage larger positions take.")
    round_share: float = Field(0.6, ge=0, le=1, description="Positions at the round leverage next below.")
    cross_share: float = Field(0.4, ge=0, le=1, description="Positions backed by more than their own margin.")
    cross_backing_ratio: float = Field(0.8, ge=0, le=20, description="Mean of that backing, in margins (exponential).")
    drift_leverage: float = Field(0.25, ge=0, le=2, description="Size of the slow waves of leverage (log scale).")
    lean_share: float = Field(0.25, ge=0, le=0.9, description="How one-sided openings are in the slow waves.")
    chase_share: float = Field(0.2, ge=-0.9, le=0.9, description="How far openings follow the last hours' move.")
    life_h: float = Field(30, gt=0, le=10_000, description="Median life at 10x (lognormal), shorter with leverage.")
    life_spread_factor: float = Field(1.3, ge=0, le=3, description="Standard deviation of its logarithm.")
    stop_share: float = Field(0.35, ge=0, le=1, description="Positions with a stop before their liquidation.")
    stop_round_share: float = Field(0.5, ge=0, le=1, description="Stops that lie at a round price, where others lie.")
    take_share: float = Field(0.3, ge=0, le=1, description="Positions with a resting take-profit.")


class FlowPriceParams(Knobs):
    """Price without force, how far flow moves it, and who hunts."""

    volatility_day_pct: float = Field(2.8, gt=0, le=50, description="Usual standard deviation of a day's return.")
    cascade_swing_ratio: float = Field(
        0.42, ge=0, lt=0.95, description="Swing of each level of the volatility cascade; larger: wilder storms."
    )
    cascade_levels: int = Field(7, ge=1, le=10, description="Levels of the cascade; each lives a third of the next.")
    longest_h: float = Field(120, gt=0, le=2000, description="Life of the slowest level.")
    jumps_day: float = Field(1.0, ge=0, le=100, description="News jumps per day.")
    jump_pct: float = Field(0.5, ge=0, le=10, description="Mean size of one (Pareto, index 3).")
    basis_bps: float = Field(3.0, ge=0, le=200, description="Usual difference of a venue's mark from the common price.")
    impact_factor: float = Field(
        0.8, ge=0, le=5, description="Move by flow, in days' volatility per root of its share of a day's volume."
    )
    permanent_share: float = Field(0.2, ge=0, le=1, description="Part of a flow's impact that never comes back.")
    voluntary_share: float = Field(0.15, ge=0, le=1, description="Impact of voluntary flow against that of force.")
    hunts_day: float = Field(1.2, ge=0, le=50, description="Pushes per day toward where others must close.")
    hunt_push_pct_min: float = Field(0.05, gt=0, le=2, description="What a hunter moves price in a minute.")
    hunt_min: float = Field(25, gt=0, le=600, description="When a hunter gives up.")
    hunt_back_share: float = Field(0.6, ge=0, le=1, description="Part of the push that comes back afterwards.")


FLOW_VENUES: Final = (
    FlowVenueParams(venue="binance", share=0.36, turnover_day=2.0, leverage_max=125, forced_throttle_ms=1000,
                    delay_ms=400, late_share=0.01),
    FlowVenueParams(venue="bybit", share=0.24, turnover_day=1.6, forced_price="bankruptcy", delay_ms=500),
    FlowVenueParams(venue="okx", share=0.16, turnover_day=1.7, forced_share=0.9, forced_throttle_ms=1000,
                    forced_price="bankruptcy", delay_ms=900, gaps_day=0.3),
    FlowVenueParams(venue="bitget", share=0.12, turnover_day=1.4, leverage_max=125, forced_share=0.6,
                    forced_throttle_ms=1000, late_share=0.05, gaps_day=0.5),
    FlowVenueParams(venue="hyperliquid", share=0.12, turnover_day=1.4, leverage_max=40, funding_interval_h=1),
)  # fmt: skip
FLOW_BTC: Final = CoinParams(coin="BTC", start_price=60_000, ticks_per_usd=10, oi_usd=3e9, depth_usd=700e6)


class FlowParams(Knobs):
    """The whole market. Same parameters and seed: the same bytes; `bar_ms` changes what is told, never what happens."""

    start_ms: int = Field(1_735_689_600_000, ge=0, le=4_102_444_800_000, multiple_of=MINUTE_MS,
                          description="First told millisecond, UTC.")  # fmt: skip
    bar_ms: int = Field(MINUTE_MS, ge=1000, le=3_600_000, description="Span of a bar; divides a minute or whole ones.")
    days: float = Field(20, gt=0, le=4000, description="Length of the told part.")
    burn_in_days: float = Field(4, ge=0, le=60, description="Unseen past in which positions build up.")
    funding_every_s: int = Field(300, ge=60, le=86_400, description="Seconds between published funding rates.")
    venues: tuple[FlowVenueParams, ...] = Field(FLOW_VENUES, min_length=1, description="The venues.")
    coin: CoinParams = Field(FLOW_BTC, description="The coin; `depth_usd` is not used, impact follows volume.")
    crowd: FlowCrowdParams = Field(default_factory=FlowCrowdParams, description="The flow of positions.")
    prices: FlowPriceParams = Field(default_factory=FlowPriceParams, description="Price and impact.")

    @model_validator(mode="after")
    def _bars_fit_minutes(self) -> Self:
        if (MINUTE_MS % self.bar_ms and self.bar_ms % MINUTE_MS) or self.bar_ms % 1000:
            raise ValueError(f"bar_ms: {self.bar_ms} must be whole seconds that divide a minute, or whole minutes")
        return self
