"""Every knob of the simulated market, with bounds and a description."""

from typing import Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

_HOUR_UTC: Final = (0.95, 0.95, 0.9, 0.8, 0.75, 0.7, 0.75, 0.85, 0.95, 0.95, 0.9, 0.9,
                    1.0, 1.3, 1.6, 1.55, 1.4, 1.2, 1.1, 1.05, 1.05, 0.95, 0.8, 0.85)  # fmt: skip


class Knobs(BaseModel):
    """Frozen, and unknown names refuse to load."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class TradedVenue(Knobs):
    """One venue of any simulated market: how large it is and what it tells the public."""

    venue: str = Field(min_length=1, description="Venue key, as the margin rules know it.")
    share: float = Field(gt=0, description="Weight of its open interest among the venues.")
    turnover_day: float = Field(1.5, gt=0, le=50, description="Usual volume per day over open interest.")
    leverage_max: float = Field(100, ge=2, le=200, description="Highest leverage it lets the crowd choose.")
    funding_interval_h: float = Field(8, ge=1, le=24, description="Hours between fundings.")
    forced_share: float = Field(
        1.0, ge=0, le=1, description="Share of forced orders that reach its public feed; 0: it has no such feed."
    )
    forced_throttle_ms: int = Field(
        0, ge=0, le=60_000, description="At most one forced order (the newest) is published per this long; 0: all are."
    )
    forced_price: Literal["bankruptcy", "fill"] = Field(
        "fill", description="Which price its forced-order feed carries."
    )
    oi_every_s: int = Field(60, ge=1, le=86_400, description="Seconds between published open interest figures.")


class VenueParams(TradedVenue):
    """A venue that closes large positions in parts."""

    partial_above_usd: float = Field(
        1_000_000, ge=10_000, description="Positions above this are force-closed in steps of `partial_share`."
    )
    partial_share: float = Field(0.3, ge=0.1, le=1, description="Part that one step of a forced close takes; 1: whole.")


class CoinParams(Knobs):
    """One coin: where it starts and how deep its market is."""

    coin: str = Field(min_length=1, description="Base coin.")
    start_price: float = Field(gt=0, description="Price at the beginning of the burn-in.")
    ticks_per_usd: float = Field(10, gt=0, description="Prices are whole multiples of one over this.")
    oi_usd: float = Field(gt=1e5, description="Usual one-sided open interest over all venues.")
    depth_usd: float = Field(gt=1e4, description="Taker flow that moves the price by 1 % in quiet times.")


class CrowdParams(Knobs):
    """Who holds positions, how large, how leveraged, and what makes them open and close."""

    positions: int = Field(14_000, ge=50, le=2_000_000, description="Leveraged positions usually open, per coin.")
    share_of_oi: float = Field(
        0.18, gt=0, lt=0.95, description="Part of open interest held by the leveraged crowd; makers hold the rest."
    )
    size_tail_index: float = Field(1.35, ge=1.05, le=5, description="Pareto index of sizes; lower: larger whales.")
    leverages: tuple[float, ...] = Field(
        (2, 3, 5, 10, 20, 25, 40, 50, 75, 100, 125), min_length=1, description="Leverages people choose."
    )
    mix_before: tuple[float, ...] = Field(
        (0.04, 0.07, 0.12, 0.20, 0.18, 0.10, 0.05, 0.11, 0.04, 0.07, 0.02),
        description="Share of openings per leverage before the shift.",
    )
    mix_after: tuple[float, ...] = Field(
        (0.08, 0.12, 0.18, 0.22, 0.14, 0.08, 0.04, 0.07, 0.02, 0.04, 0.01),
        description="Share of openings per leverage after the shift.",
    )
    shift_at_share: float = Field(0.5, ge=0, le=1, description="When the leverage mix shifts, as a part of the span.")
    size_by_leverage: float = Field(
        0.8, ge=0, le=1.5, description="How fast the usual position shrinks with leverage (power of the leverage)."
    )
    isolated_share: float = Field(0.5, ge=0, le=1, description="Positions that sit exactly at their leverage's price.")
    cross_share: float = Field(0.2, ge=0, le=1, description="Positions backed by a whole account, liquidated far away.")
    smear: float = Field(0.25, ge=0, le=2, description="Extra margin of the others, as a log-normal half-width.")
    cross_smear: float = Field(1.0, ge=0, le=3, description="The same for cross margin.")
    topup_day: float = Field(1.5, ge=0, le=100, description="Top-ups per day of a position close to its liquidation.")
    stop_share: float = Field(0.35, ge=0, le=1, description="Positions with a stop-loss before their liquidation.")
    take_share: float = Field(0.4, ge=0, le=1, description="Positions with a resting take-profit.")
    close_day: float = Field(0.6, gt=0, le=100, description="Voluntary closes per day and position, any leverage.")
    close_day_per_leverage: float = Field(
        0.06, ge=0, le=5, description="The same for each unit of leverage on top: the more leveraged, the shorter held."
    )
    panic_day: float = Field(
        1.0, ge=0, le=1000, description="Closes per day and position, for each unit of a fast move above usual."
    )
    momentum_share: float = Field(0.35, ge=0, le=1, description="Openers who follow the recent move.")
    reverting_share: float = Field(0.25, ge=0, le=1, description="Openers who bet against it.")
    long_tilt: float = Field(0.03, ge=-0.5, le=0.5, description="Above 1/2: chance of an undecided opener to be long.")
    funding_aversion: float = Field(
        0.5, ge=0, le=20, description="How much a rate of 0.1 % per 8 h turns undecided openers away from paying it."
    )
    taker_share: float = Field(0.3, ge=0, le=1, description="Part of the crowd's own flow that takes liquidity.")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        for name in ("mix_before", "mix_after"):
            mix = getattr(self, name)
            if len(mix) != len(self.leverages) or min(mix) < 0 or sum(mix) <= 0:
                raise ValueError(f"{name}: {mix} must be {len(self.leverages)} weights >= 0, one per leverage")
        if min(self.leverages) <= 1:
            raise ValueError(f"leverages: {self.leverages} must all be above 1")
        if self.isolated_share + self.cross_share > 1:
            raise ValueError("isolated_share + cross_share must not exceed 1")
        if self.momentum_share + self.reverting_share > 1:
            raise ValueError("momentum_share + reverting_share must not exceed 1")
        return self


class PriceParams(Knobs):
    """How price moves when nobody is forced, how deep the book is, how venues differ."""

    volatility_day_pct: float = Field(2.9, gt=0, le=50, description="Usual standard deviation of a day's return.")
    volatility_swing_factor: float = Field(
        0.45, ge=0, le=2, description="Size of the slow waves of volatility (log scale)."
    )
    volatility_fast_h: float = Field(12, gt=0, le=1000, description="Life of the fast wave.")
    volatility_slow_h: float = Field(120, gt=0, le=10_000, description="Life of the slow wave.")
    excitement_share: float = Field(
        0.33, ge=0, lt=1, description="Feedback of moves into volatility; near 1: long storms."
    )
    excitement_h: float = Field(1.0, gt=0, le=100, description="Memory of that feedback.")
    jumps_day: float = Field(2.5, ge=0, le=1000, description="News jumps per day.")
    jump_pct: float = Field(0.5, ge=0, le=20, description="Mean size of a jump, exponentially distributed.")
    trend_day_pct: float = Field(0.0, ge=-20, le=20, description="Drift per day.")
    permanent_share: float = Field(0.25, ge=0, le=1, description="Part of a flow's price impact that never comes back.")
    recovery_min: float = Field(25, gt=0, le=10_000, description="Life of the rest, as makers lean against it.")
    depth_stress_factor: float = Field(
        0.4, ge=0, le=5, description="How fast depth thins out when volatility is above usual."
    )
    basis_bps: float = Field(3.0, ge=0, le=200, description="Usual difference of a venue's mark from the index.")
    basis_tilt_bps: float = Field(12.0, ge=0, le=500, description="Premium when the crowd is all on one side.")
    volume_chase_share: float = Field(
        0.4, ge=0, le=1, description="Part of usual volume that comes with moves of the last quarter of an hour."
    )
    lean_move_share: float = Field(
        0.02, ge=0, le=1, description="How far takers lean with the last quarter of an hour, for each usual move of it."
    )
    lean_wave_share: float = Field(
        0.05, ge=0, le=1, description="Usual lean of a venue's takers that follows no move, as part of its volume."
    )
    hour_activity: tuple[float, ...] = Field(
        _HOUR_UTC, min_length=24, max_length=24, description="Activity by hour, UTC."
    )
    weekend_factor: float = Field(0.65, gt=0, le=3, description="Activity on Saturday and Sunday.")


class ShockParams(Knobs):
    """Bursts of taker flow that push price several per cent and are usually absorbed: wicks."""

    rate_day: float = Field(0.05, ge=0, le=50, description="Shocks per day.")
    first_wick_minute: float | None = Field(
        12.0,
        ge=0,
        le=10_000_000,
        description="A shock, aimed and surely absorbed, this long after the live start; null: chance only.",
    )
    aimed_share: float = Field(
        0.0, ge=0, le=1, description="Shocks that run for the heaviest crowd 2-5 % away instead of anywhere."
    )
    down_share: float = Field(0.6, ge=0, le=1, description="Shocks that push down; the others squeeze shorts.")
    depth_pct_min: float = Field(1.2, gt=0, le=50, description="Smallest push.")
    depth_pct_mean: float = Field(2.5, gt=0, le=50, description="Mean push, exponential above the smallest.")
    build_up_h: float = Field(
        10, ge=0, le=240, description="Hours before an aimed shock in which a crowd piles in on one side at one price."
    )
    build_up_factor: float = Field(4, ge=1, le=20, description="How much busier trading and newcomers are meanwhile.")
    push_min: float = Field(6, gt=0, le=600, description="Usual minutes of the push.")
    absorb_min: float = Field(12, gt=0, le=6000, description="Usual minutes until price has come back.")
    absorbed_share: float = Field(0.7, ge=0, le=1, description="Shocks that come back; the others stay down (or up).")
    first_recovery_share: float = Field(
        1.35, ge=0, le=2, description="How much of its push the shock of `first_wick_minute` gives back."
    )
    recovery_share: float = Field(0.85, ge=0, le=2, description="How much of the push an absorbed shock gives back.")


SEVEN_VENUES: Final = (
    VenueParams(venue="binance", share=0.36, turnover_day=1.9, leverage_max=125, forced_share=0.5,
                forced_throttle_ms=1000, forced_price="fill"),
    VenueParams(venue="bybit", share=0.22, turnover_day=1.6, leverage_max=100, forced_price="bankruptcy"),
    VenueParams(venue="okx", share=0.14, turnover_day=1.7, leverage_max=100, forced_share=0.9,
                forced_throttle_ms=1000, forced_price="bankruptcy"),
    VenueParams(venue="bitget", share=0.11, turnover_day=1.5, leverage_max=125, forced_share=0.6,
                forced_throttle_ms=1000),
    VenueParams(venue="coinbase", share=0.03, turnover_day=1.2, leverage_max=10, funding_interval_h=1,
                forced_share=0.0),
    VenueParams(venue="krakenfutures", share=0.03, turnover_day=1.2, leverage_max=50, funding_interval_h=1),
    VenueParams(venue="hyperliquid", share=0.11, turnover_day=1.4, leverage_max=40, funding_interval_h=1,
                partial_above_usd=100_000, partial_share=0.2),
)  # fmt: skip
BTC: Final = CoinParams(coin="BTC", start_price=60_000, ticks_per_usd=10, oi_usd=12e9, depth_usd=700e6)
ETH: Final = CoinParams(coin="ETH", start_price=3_000, ticks_per_usd=100, oi_usd=7e9, depth_usd=400e6)


class WorldParams(Knobs):
    """The whole simulated market. Same parameters and seed: the same bytes."""

    start_ms: int = Field(1_735_689_600_000, ge=0, le=4_102_444_800_000, description="First live millisecond, UTC.")
    step_ms: int = Field(1_000, ge=100, le=3_600_000, description="Live clock step.")
    days: float = Field(30, gt=0, le=4000, description="Length of the live part; the leverage mix shifts within it.")
    burn_in_days: float = Field(3, ge=0, le=60, description="Unseen past in which the crowd builds up.")
    burn_in_step_ms: int = Field(300_000, ge=1000, le=3_600_000, description="Clock step of the unseen past.")
    backfill_days: float = Field(3, ge=0, le=400, description="Published history before the first live step.")
    backfill_step_ms: int = Field(60_000, ge=1000, le=3_600_000, description="Clock step of that history.")
    funding_every_s: int = Field(300, ge=1, le=86_400, description="Seconds between published funding rates.")
    own_print_times: bool = Field(
        False, description="Forced orders are told at their own times within a step, not with its end."
    )
    common_share: float = Field(0.8, ge=0, le=1, description="Part of each coin's variance that all coins share.")
    venues: tuple[VenueParams, ...] = Field(SEVEN_VENUES, min_length=1, description="The venues.")
    coins: tuple[CoinParams, ...] = Field((BTC,), min_length=1, description="The coins.")
    crowd: CrowdParams = Field(default_factory=CrowdParams, description="The leveraged crowd.")
    prices: PriceParams = Field(default_factory=PriceParams, description="Price and liquidity.")
    shocks: ShockParams = Field(default_factory=ShockParams, description="Wicks.")

    def with_coins(self, names: tuple[str, ...]) -> "WorldParams":
        """With those of `names` that it lacks and whose usual market is known."""
        there = {one.coin for one in self.coins}
        new = tuple(one for one in (BTC, ETH) if one.coin in names and one.coin not in there)
        return self.model_copy(update={"coins": (*self.coins, *new)}) if new else self

    @property
    def start_prices(self) -> dict[str, float]:
        """Of the coins that are described."""
        return {one.coin: one.start_price for one in self.coins}

    @model_validator(mode="after")
    def _everybody_has_a_leverage(self) -> Self:
        for venue in self.venues:
            for name in ("mix_before", "mix_after"):
                chosen = zip(self.crowd.leverages, getattr(self.crowd, name), strict=True)
                if not any(weight > 0 and leverage <= venue.leverage_max for leverage, weight in chosen):
                    raise ValueError(
                        f"crowd.{name}: nobody at {venue.venue} (at most {venue.leverage_max:g}x) could open"
                    )
        return self
