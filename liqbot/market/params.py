"""Parameters of the market floor: how the map is estimated, read, and kept honest. All windows are event time."""

from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

Share = Annotated[float, Field(gt=0, le=1)]
WindowMs = Annotated[int, Field(ge=1_000, le=90 * 86_400_000)]
_HORIZON_H_MAX: Final = 720


class _Params(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class EstimateParams(_Params):
    """The estimate of open leveraged positions."""

    leverages: tuple[float, ...] = Field(
        (3, 5, 10, 20, 25, 50, 75, 100, 125), min_length=1, max_length=32,
        description="Leverage tiers of the estimate; each liquidates at the venue's exact distance.",
    )
    leverage_mix: tuple[float, ...] = Field(
        (0.08, 0.12, 0.20, 0.20, 0.10, 0.14, 0.04, 0.08, 0.04), min_length=1, max_length=32,
        description="Share of opened USD per tier. A prior by judgement, not a measurement: round numbers and the "
        "venues' default of 10x to 20x are common, the highest tiers small in USD. Tiers a venue lacks are left out.",
    )
    smear_factors: tuple[float, ...] = Field(
        (0.98, 0.86, 0.92, 0.77, 0.95, 0.82, 0.89, 0.69), min_length=1, max_length=32,
        description="Effective over nominal leverage of equal parts of a tier: cross margin, top-ups and unused margin "
        "put liquidation farther away. Half a normal distribution of width 0.2 in the logarithm, in mixed order; "
        "(1,) leaves tiers sharp.",
    )
    activity_share: Share = Field(
        0.2, description="Share of traded volume that opens or closes leveraged positions; the rest makes markets."
    )
    taker_weight: float = Field(
        0.5, ge=0, le=1, description="How far the taker imbalance tilts opens toward longs or shorts; 0 ignores it."
    )
    oi_smoothing_ms: WindowMs = Field(
        3_600_000, description="Averaging time of the change of open interest; the raw change is mostly noise."
    )
    leveraged_share: Share = Field(
        0.6, description="Share of open interest held with 3x and more; modelled positions never exceed it on a side."
    )
    close_h: float = Field(
        288.0, gt=0, le=100_000, description="Hours in which a position at 1x would be closed by its owner, on "
        "average; at leverage L it takes close_h / L (288: L/12 of the positions per day).",
    )

    oi_shares: dict[str, Share] = Field(
        {
            "binance": 0.20, "bybit": 0.11, "mexc": 0.08, "gate": 0.08, "htx": 0.06, "okx": 0.06, "hyperliquid": 0.05,
            "deribit": 0.04, "bitget": 0.04, "cryptocom": 0.02, "bingx": 0.016, "bitfinex": 0.011,
            "krakenfutures": 0.004, "coinbase": 0.0026, "cme": 0.22,
        },
        description="Usual share of the world's open interest per venue, for venues that do not tell theirs when an "
        "`aggregate` is given (BTC, 2025-11-14). Venues not named take their share by volume of the venues watched.",
    )

    @model_validator(mode="after")
    def _mix_fits(self) -> Self:
        if len(self.leverage_mix) != len(self.leverages):
            raise ValueError(
                f"leverage_mix: {len(self.leverage_mix)} shares for {len(self.leverages)} leverages; give one for each"
            )
        if list(self.leverages) != sorted(set(self.leverages)) or self.leverages[0] < 1.5:
            raise ValueError(f"leverages: {self.leverages} must ascend, without repeats, from 1.5 or more")
        if not 0.1 <= min(self.smear_factors) <= max(self.smear_factors) <= 1.0:
            raise ValueError(f"smear_factors: {self.smear_factors} must lie between 0.1 and 1")
        if min(self.leverage_mix) < 0 or not 0.999 <= sum(self.leverage_mix) <= 1.001:
            raise ValueError(f"leverage_mix: {self.leverage_mix} must be shares >= 0 that sum to 1")
        return self


class PositionLayerParams(_Params):
    """How the layer of open positions is sized, beyond what is expected to print."""

    leaving_ratio: float = Field(
        4.0, ge=0, le=100, description="Positions open far from the mark, over what prints of them when price arrives, "
        "less one: owners leave or are stopped out on the way. Simulated markets came to 1 to 12.",
    )
    leaving_half_pct: float = Field(
        2.0, gt=0, le=50, description="Distance from the mark at which half of that is reached."
    )
    open_share: Share = Field(
        0.15, description="Share of open interest that would be force-closed within the map: a prior for the tiers "
        "that no forced order says anything of. The rest is hedged, hardly leveraged, or backed by whole accounts.",
    )
    error_share: float = Field(
        0.75, ge=0, le=5, description="Error of the layer itself, as a share of its USD, beside chance: with it two "
        "thirds of the true bins of simulated markets lay within one standard deviation, and more near the mark.",
    )


class CalibrationParams(_Params):
    """How the estimate learns from observed forced orders. A prior is worth a number of orders of the usual size."""

    shape_h: float = Field(
        36.0, ge=1, le=2_000, description="Half-life of what tier weights and venue factors are learnt from."
    )
    cap_ratio: float = Field(
        4.0, ge=1, le=1_000, description="Orders count up to this multiple of their usual size, so that one whale does "
        "not rewrite the weights."
    )
    mix_weight: float = Field(50.0, ge=1, le=1e5, description="Worth in orders of the prior mix of leverages.")
    row_weight: float = Field(20.0, ge=1, le=1e5, description="Worth in orders of a venue being like the others.")
    level_ratio: float = Field(
        0.2, ge=0.001, le=10, description="Real over modelled USD before any forced order was received; recorded "
        "markets of one venue came to 0.05 to 0.28.",
    )
    level_weight: float = Field(5.0, ge=0.1, le=1e5, description="Worth in orders of that ratio.")
    tail_h: float = Field(240.0, ge=1, le=20_000, description="Half-life of what the cap takes from all orders.")
    tail_weight: float = Field(50.0, ge=1, le=1e5, description="Worth in orders of the cap taking nothing.")
    tail_ratio_max: float = Field(
        2.5, ge=1, le=10, description="Most that is given back for the cap, in what is expected to print; never in the "
        "positions that are drawn.",
    )
    closing_rate_h: float = Field(
        240.0, ge=1, le=20_000, description="Half-life of what the closing pace is learnt from."
    )
    closing_rate_weight: float = Field(
        10.0, ge=0.1, le=1e9, description="Worth of owners closing at the assumed rates (`close_h`), in orders that "
        "come one usual lifetime sooner or later than is usual for their tier."
    )
    model_share: float = Field(
        0.5, ge=0, le=5, description="Error of the model itself, as a share of the forecast USD, beside chance."
    )
    leverage_prior_h: float = Field(
        24.0, ge=0.5, le=2_000, description="Half-life of what measured positions say about the mix of leverages."
    )
    leverage_prior_weight: float = Field(
        5.0, ge=0.1, le=1e5, description="Worth in positions, per tier, of the modelled mix being that of the measured "
        "ones."
    )
    leverage_prior_ratio_max: float = Field(
        10.0, ge=1, le=1_000, description="Most that measured positions raise or lower the prior of a tier; 1 leaves "
        "other venues alone."
    )
    told_ratio: Share = Field(
        0.35, description="Share of a reported position that prints as a forced order once its price is reached, "
        "until that is learnt: owners leave or are stopped out before, and venues close large positions in parts.",
    )
    told_weight: float = Field(10.0, ge=0.1, le=1e5, description="Worth in orders of that share.")
    silent_count: float = Field(
        10.0, ge=1, le=1e5, description="A venue that reported nothing while so many orders were expected reports none."
    )


class ForecastParams(_Params):
    """How the map becomes an expectation of reported USD."""

    horizons_h: tuple[int, ...] = Field(
        (1, 4, 24), min_length=1, max_length=8, description="Horizons that are learnt and may be requested, ascending."
    )
    climatology_share: float = Field(
        0.5, ge=0, le=5, description="Weight, against the map's, of what a distance usually gives when visited. A "
        "prior: the weights are learnt."
    )
    climatology_h: float = Field(
        480.0, ge=24, le=20_000, description="Half-life of what a distance usually gives when visited."
    )
    scale_h: float = Field(
        480.0, ge=24, le=20_000, description="Half-life of what the weights of map and climatology are learnt from."
    )
    mix_origins: float = Field(
        12.0, gt=0, le=1e4, description="Worth in hourly origins of the prior weights of map and climatology."
    )
    visits_min: float = Field(5.0, gt=0, le=1e4, description="Visits from which on a distance stands for itself.")
    recent_h: float = Field(4.0, ge=0.1, le=100, description="Averaging time of recent volume.")
    usual_h: float = Field(168.0, ge=1, le=5_000, description="Averaging time of usual volume.")

    @model_validator(mode="after")
    def _ascending(self) -> Self:
        if list(self.horizons_h) != sorted(set(self.horizons_h)) or self.horizons_h[0] < 1:
            raise ValueError(f"horizons_h: {self.horizons_h} must ascend, without repeats, from 1 or more")
        if self.horizons_h[-1] > _HORIZON_H_MAX:
            raise ValueError(f"horizons_h: {self.horizons_h} must end at {_HORIZON_H_MAX} or less")
        return self


class ScoringParams(_Params):
    """The map's score of itself."""

    score_h: float = Field(168.0, ge=1, le=20_000, description="Half-life of what the score rests on.")
    touches_min: float = Field(
        20.0, ge=1, le=1e6, description="Steps with forced orders from which on there is a score."
    )


class HistoryParams(_Params):
    """How much of the map's past is kept."""

    step_ms: WindowMs = Field(1_800_000, description="How often the map is remembered.")
    kept: int = Field(336, ge=2, le=5_000, description="Maps remembered; the oldest goes first.")
    drift_ms: WindowMs = Field(86_400_000, description="Over how long clusters are said to have formed or dissolved.")


class HealthParams(_Params):
    """Which prices are believed, and when a venue counts as silent."""

    outlier_pct_max: float = Field(
        10.0, gt=0, le=100, description="A price further than this from the median of all venues is rejected."
    )
    wick_pct_max: float = Field(
        60.0, gt=0, le=100, description="A bar whose low or high lies further than this from its own close is rejected."
    )
    jump_pct_max: float = Field(
        50.0, gt=0, le=1000, description="With no other venue to ask: a price further than this from the venue's last "
        "one is rejected, until as many in a row agree as `jump_confirmations`.",
    )
    jump_confirmations: int = Field(
        3, ge=2, le=100, description="Consecutive prices on a new level after which a lone venue is believed again."
    )
    stale_factor: float = Field(
        4.0, ge=1.5, le=100, description="A venue is stale after this many of its own usual gaps between prices."
    )
    stale_ms_min: int = Field(15_000, ge=1_000, le=3_600_000, description="No venue is stale sooner than this.")
    mark_gap_ms_max: int = Field(
        10_000, ge=250, le=3_600_000, description="Marks at most this far apart are a stream whose range decides what "
        "was liquidated; otherwise the traded range does, and the mark is named derived.",
    )


class AgreementParams(_Params):
    """When a venue whose price is not that of the others is left out, and when it is used again."""

    band_pct: float = Field(
        5.0, gt=0, le=100, description="A venue whose price is further than this from that of most venues, as a ratio, "
        "is apart."
    )
    after_ms: int = Field(
        20_000, ge=1_000, le=3_600_000, description="A venue that is apart for so long, by prices that the others gave "
        "meanwhile, is put in quarantine: a venue that leads by seconds is not wrong."
    )
    return_band_pct: float = Field(
        2.5, gt=0, le=100, description="It is back once its price has been within this of the others' for `return_ms`."
    )
    return_ms: int = Field(60_000, ge=1_000, le=86_400_000, description="See `return_band_pct`.")

    @model_validator(mode="after")
    def _returns_inside(self) -> Self:
        if self.return_band_pct > self.band_pct:
            raise ValueError(f"return_band_pct: {self.return_band_pct} must be band_pct ({self.band_pct}) or less")
        return self


class QuoteParams(_Params):
    """What is done when a currency that contracts are quoted in departs from the dollar."""

    translate_pct_min: float = Field(
        0.5, ge=0.05, le=10, description="From this distance from the dollar on a quote is translated at its own rate; "
        "below half of it, no more."
    )
    hold_pct_max: float = Field(
        2.0, gt=0, le=30, description="A quote further than this from the dollar forbids entries (`DEPEG`)."
    )
    departure_pct_max: float = Field(
        30.0, gt=0, le=90, description="Venues of one quote that are further than this from the others are not taken "
        "for a departure of their quote."
    )
    sound_pct_max: float = Field(
        2.0, gt=0, le=30, description="Venues of one quote speak for it while most of them are within this of each "
        "other; a lone one while its own index is within this of its mark."
    )


class TrustParams(_Params):
    """How far venues are trusted: which part of each counts on the map, in the forecast and in features."""

    of_venues: dict[str, Annotated[float, Field(ge=0, le=1)]] = Field(
        default_factory=dict, description="Weight of a venue by its key, 0 to 1, whatever it earns: `{htx = 0.5}`. "
        "Those that are not named earn theirs, from 1 on."
    )
    inferred_weight: float = Field(
        0.5, ge=0, le=1, description="Weight from which a venue begins whose trades, marks or open interest are known "
        "from the unified client's parser alone."
    )
    weight_min: float = Field(0.0, ge=0, le=1, description="No venue that is not named falls below this.")
    fall_ms: WindowMs = Field(300_000, description="Time constant in which trust is lost.")
    rise_ms: WindowMs = Field(86_400_000, description="Time constant in which it comes back.")
    silent_ms_max: WindowMs = Field(
        600_000, description="A stale venue without a price for longer falls toward a half."
    )
    turnover_ratio_max: float = Field(
        20.0, ge=2, le=1e4, description="Volume over open interest, in multiples of the usual venue's, beyond which a "
        "venue is trusted in proportion: volume that nobody holds is made up."
    )
    step_ms: WindowMs = Field(60_000, description="How often trust is looked at while nobody is apart.")


class ClusterParams(_Params):
    """What counts as a cluster or a thin zone."""

    distance_pct_max: float = Field(25.0, gt=0, le=50, description="Clusters are looked for this far from the mark.")
    width_pct: float = Field(0.4, ge=0.05, le=5, description="Width of a cluster.")
    around_pct: float = Field(
        3.0, ge=0.1, le=25, description="A cluster stands out against what is open this near to it, on either side."
    )
    contrast_ratio: float = Field(
        1.25, ge=1, le=100, description="How many times the USD around it a cluster must hold to stand out at all."
    )
    kept: int = Field(8, ge=1, le=64, description="Clusters kept per side, the most outstanding first.")
    fuel_distance_pct: float = Field(10.0, gt=0, le=50, description="Everything mapped this near counts as fuel.")
    thin_density_ratio_max: float = Field(
        0.35, gt=0, lt=1, description="A thin zone's density against the typical density of its side."
    )
    thin_width_pct_min: float = Field(0.3, gt=0, le=10, description="Narrowest stretch that counts as a thin zone.")
    thin_distance_pct_max: float = Field(15.0, gt=0, le=50, description="Thin zones are looked for up to this far.")
    thin_kept: int = Field(8, ge=0, le=64, description="Thin zones kept, nearest first.")
    history_step_ms: WindowMs = Field(1_800_000, description="How often what stands out is remembered.")
    history_ms: WindowMs = Field(7 * 86_400_000, description="Half-life of what usually stands out.")
    history_count_min: int = Field(
        6, ge=1, le=10_000, description="Remembered sizes needed before a cluster's ratio to the usual one exists."
    )


class SweepParams(_Params):
    """How long clusters that price went into are followed."""

    lookback_ms: WindowMs = Field(3_600_000, description="A sweep's distance is taken from the price this long before.")
    active_ms_max: WindowMs = Field(
        4 * 3_600_000, description="A sweep that goes into no further cluster for so long and is not rejected is over: "
        "price has settled beyond."
    )
    kept_ms: WindowMs = Field(24 * 3_600_000, description="How long a sweep stays visible to strategies.")
    kept: int = Field(4, ge=1, le=64, description="Sweeps kept per side.")
    size_ratio_min: float = Field(
        0.5, ge=0, le=100, description="Clusters that stand out less than this, against what usually does at their "
        "distance, are not followed.",
    )
    size_share_min: float = Field(
        0.25, ge=0, le=1, description="Clusters smaller than this against the largest of their side are not followed."
    )
    beyond_pct: float = Field(
        1.0, ge=0.1, le=10, description="How far beyond a sweep's extreme it is asked whether the map is thin."
    )


class WhaleParams(_Params):
    """Which reported positions are followed one by one."""

    usd_min: float = Field(1e6, gt=0, le=1e12, description="A reported position of at least this is a whale.")
    distance_pct_max: float = Field(
        2.0, gt=0, le=20, description="It is followed from this distance of its venue's mark from its liquidation on."
    )
    told_ms_max: WindowMs = Field(
        6 * 3_600_000, description="How long its venue may tell nothing new before it is given up as stale."
    )


class RollingParams(_Params):
    """Averaging times of price, volume, funding and forced flow."""

    volume_ms: WindowMs = Field(86_400_000, description="Averaging time of the usual volume rate.")
    trend_fast_ms: WindowMs = Field(4 * 3_600_000, description="Averaging time of the fast mean of the mark.")
    trend_slow_ms: WindowMs = Field(24 * 3_600_000, description="Averaging time of the slow mean of the mark.")
    range_ms: WindowMs = Field(86_400_000, description="Averaging time of the hourly true range.")
    acceleration_ms: WindowMs = Field(
        300_000, description="Acceleration compares the move of so long with the one before; of coarser bars, one bar."
    )
    history_step_ms: int = Field(
        60_000, ge=1_000, le=3_600_000, description="How finely price and open interest are remembered."
    )
    funding_history_ms: int = Field(
        60 * 86_400_000, ge=30 * 86_400_000, le=90 * 86_400_000,
        description="History of a venue that its funding percentile is taken in.",
    )
    funding_step_ms: int = Field(
        3_600_000, ge=600_000, le=86_400_000, description="How often a venue's funding is remembered."
    )
    funding_history_ms_min: int = Field(
        7 * 86_400_000, ge=1_000, le=30 * 86_400_000,
        description="History of a venue needed before its funding percentile exists.",
    )
    funding_tolerance_pct: float = Field(
        0.00025, ge=0, le=0.1, description="Rates per eight hours that differ by no more tie in the funding percentile."
    )


class MarketParams(_Params):
    """Everything that may be turned on the market floor."""

    estimate: EstimateParams = EstimateParams()
    calibration: CalibrationParams = CalibrationParams()
    positions: PositionLayerParams = PositionLayerParams()
    forecast: ForecastParams = ForecastParams()
    scoring: ScoringParams = ScoringParams()
    history: HistoryParams = HistoryParams()
    health: HealthParams = HealthParams()
    agreement: AgreementParams = AgreementParams()
    quotes: QuoteParams = QuoteParams()
    trust: TrustParams = TrustParams()
    clusters: ClusterParams = ClusterParams()
    sweeps: SweepParams = SweepParams()
    whales: WhaleParams = WhaleParams()
    rolling: RollingParams = RollingParams()
