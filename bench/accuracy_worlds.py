"""The frozen markets of the accuracy benchmark. Nothing was ever tuned on these knobs or seeds; they do not change.

Two families on different mechanisms, told alike: bars of a minute with forced orders at their own times inside. What
holds in one family only is a property of a generator. Beside them the crowd as it was published first, its forced
orders told with the minute's end. `TUNING` is the part of both families on which choices may be made.
"""

from typing import Final, NamedTuple

from paper.flow_world import FlowParams, FlowVenueParams, FlowWorld
from paper.flow_world.params import FLOW_VENUES, FlowCrowdParams, FlowPriceParams
from paper.tapes.truth import KnownMarket
from paper.world import Telling, World
from paper.world.params import SEVEN_VENUES, CrowdParams, ShockParams, VenueParams, WorldParams

DAYS: Final = 30.0
"""Of the markets whose forced orders are told with the minute's end."""
INSIDE_DAYS: Final = 20.0
TELLING: Final = Telling(("binance", "okx", "bybit", "hyperliquid"), above_usd=1_000_000.0, every_ms=300_000)
"""Positions above a million, every five minutes; markets of `STEP` tell none."""
SHOWN: Final[dict[str, tuple[str, ...]]] = {
    "": (),
    "+told": ("binance", "okx"),
    "+told-complete": ("bybit", "hyperliquid"),
}
"""By what is appended to a market's name, the venues whose positions the map is shown: of none; of half of the market
by open interest, whose forced orders are reported in part; of a third of it, whose feeds report every one."""
CROWD, FLOW, STEP = "crowd", "flow", "step"
FAMILIES: Final = {
    CROWD: "a crowd of agents, forced orders inside the minute",
    FLOW: "drawn flow without agents, forced orders inside the minute",
    STEP: "the crowd with forced orders told at the minute's end",
}
BACKFILL_DAYS: Final = 3.0
_RETAIL = (0.02, 0.03, 0.06, 0.12, 0.20, 0.12, 0.06, 0.17, 0.06, 0.12, 0.04)
_CAREFUL = (0.14, 0.20, 0.22, 0.20, 0.12, 0.05, 0.02, 0.03, 0.01, 0.01, 0.0)


class Frozen(NamedTuple):
    """A market and what of it is shown to the map. `family`: see `FAMILIES`."""

    seed: int
    says: str
    params: WorldParams | FlowParams
    family: str = STEP
    positions_of: tuple[str, ...] = ()
    """Venues whose positions the map is shown, of those that `TELLING` tells."""

    @property
    def throttled(self) -> tuple[str, ...]:
        """Venues whose feed leaves out by chance, by clock or while it is down; the others tell every forced order."""
        return tuple(one.venue for one in self.params.venues if _leaves_out(one))

    def market(self, days: float | None = None) -> KnownMarket:
        """From its beginning; `days` instead of its own length."""
        params = self.params if days is None else self.params.model_copy(update={"days": days})
        return World(params, self.seed) if isinstance(params, WorldParams) else FlowWorld(params, self.seed)


def _leaves_out(one: VenueParams | FlowVenueParams) -> bool:
    down = isinstance(one, FlowVenueParams) and one.gaps_day > 0
    return bool(one.forced_throttle_ms or 0 < one.forced_share < 1 or down)


def _world(seed: int, says: str, crowd: CrowdParams, venues: tuple[VenueParams, ...] = SEVEN_VENUES) -> Frozen:
    shocks = ShockParams(first_wick_minute=None, rate_day=0.1)
    params = WorldParams(
        days=DAYS, step_ms=60_000, backfill_days=BACKFILL_DAYS, burn_in_days=4, venues=venues, crowd=crowd,
        shocks=shocks,
    )
    return Frozen(seed, says, params)


def _feeds(shares: dict[str, float], throttle_ms: int) -> tuple[VenueParams, ...]:
    """Venues with other reporting shares; those that throttle do so at `throttle_ms`."""
    return tuple(
        one.model_copy(
            update={
                "forced_share": shares.get(one.venue, one.forced_share),
                "forced_throttle_ms": throttle_ms if one.forced_throttle_ms else 0,
            }
        )
        for one in SEVEN_VENUES
    )


WORLDS: Final[dict[str, Frozen]] = {
    "sober": _world(
        90_101, "a highly leveraged crowd turns careful half-way",
        CrowdParams(mix_before=_RETAIL, mix_after=_CAREFUL, isolated_share=0.6, cross_share=0.1),
    ),
    "greedy": _world(
        90_202, "a careful crowd turns highly leveraged after a third",
        CrowdParams(mix_before=_CAREFUL, mix_after=_RETAIL, shift_at_share=0.33, stop_share=0.2),
    ),
    "cross": _world(
        90_303, "most positions backed by whole accounts, liquidated far from where their leverage says",
        CrowdParams(isolated_share=0.15, cross_share=0.55, smear=0.4, cross_smear=1.3, topup_day=4.0),
    ),
    "stops": _world(
        90_404, "two thirds have stops, the rest is patient and of heavier-tailed size",
        CrowdParams(stop_share=0.65, take_share=0.3, close_day_per_leverage=0.03, size_tail_index=1.2),
    ),
    "muffled": _world(
        90_505, "feeds that leave most out: low shares, one order per two seconds",
        CrowdParams(shift_at_share=0.66),
        _feeds({"binance": 0.15, "okx": 0.4, "bitget": 0.25, "bybit": 0.7}, 2_000),
    ),
    "momentum": _world(
        90_606, "openers chase the move, leverage shifts early, all feeds but one complete",
        CrowdParams(
            momentum_share=0.6, reverting_share=0.1, panic_day=4.0, shift_at_share=0.2, mix_after=_RETAIL,
            funding_aversion=0.1, long_tilt=0.12,
        ),
        _feeds({"binance": 1.0, "okx": 1.0}, 0),
    ),
}


def _inside(seed: int, of: str) -> Frozen:
    """The crowd of a market above on another seed, its forced orders told at their own times inside the minute."""
    frozen = WORLDS[of]
    changes = {"days": INSIDE_DAYS, "own_print_times": True}
    return Frozen(seed, frozen.says, frozen.params.model_copy(update=changes), CROWD)


def _flow(
    seed: int, says: str, crowd: FlowCrowdParams | None = None, prices: FlowPriceParams | None = None,
    venues: tuple[FlowVenueParams, ...] = FLOW_VENUES,
) -> Frozen:
    params = FlowParams(
        days=INSIDE_DAYS, venues=venues, crowd=crowd or FlowCrowdParams(), prices=prices or FlowPriceParams()
    )
    return Frozen(seed, says, params, FLOW)


INSIDE: Final[dict[str, Frozen]] = {
    "crowd-sober": _inside(91_101, "sober"),
    "crowd-cross": _inside(91_202, "cross"),
    "crowd-stops": _inside(91_303, "stops"),
    "crowd-muffled": _inside(91_404, "muffled"),
    "flow-usual": _flow(95_101, "drawn flow with every knob at its default"),
    "flow-whales": _flow(
        95_202, "twice as many whales, of heavier tail and no less leveraged",
        FlowCrowdParams(whale_share=0.02, whale_tail_index=1.1, whale_share_of_oi=0.03, leverage_by_size=0.05),
    ),
    "flow-hunted": _flow(
        95_303, "five hunts a day, half of all positions with stops, most of them at round prices",
        FlowCrowdParams(stop_share=0.5, stop_round_share=0.8), FlowPriceParams(hunts_day=5, impact_factor=1.1),
    ),
    "flow-gappy": _flow(
        95_404, "feeds that are late, down for hours and leave most out", None, None,
        tuple(
            one.model_copy(update={"gaps_day": 2.0, "gap_min": 40.0, "late_share": 0.1, "forced_share": share})
            for one, share in zip(FLOW_VENUES, (0.3, 0.8, 0.5, 0.4, 1.0), strict=True)
        ),
    ),
}
"""Published: forced orders inside the minute."""
TUNING: Final[dict[str, Frozen]] = {
    "tune-crowd-momentum": _inside(92_101, "momentum"),
    "tune-crowd-greedy": _inside(92_202, "greedy"),
    "tune-flow-patient": _flow(
        96_101, "patient and less leveraged", FlowCrowdParams(leverage_median=10, life_h=80, openings_day=9_000)
    ),
    "tune-flow-hasty": _flow(
        96_202, "hasty, of heavier tail, in storms",
        FlowCrowdParams(life_h=14, whale_tail_index=1.1, size_spread_factor=1.7),
        FlowPriceParams(cascade_swing_ratio=0.5),
    ),
}
"""For choosing: never published."""


def _shown(markets: dict[str, Frozen]) -> dict[str, Frozen]:
    """Each by its flow alone, and with the positions of some venues."""
    return {
        name + suffix: frozen._replace(positions_of=venues)
        for name, frozen in markets.items()
        for suffix, venues in SHOWN.items()
    }


def market_name(name: str) -> str:
    """Without what says whose positions are shown."""
    return name.partition("+")[0]


PUBLISHED: Final = _shown(INSIDE) | WORLDS
EVERY: Final = PUBLISHED | _shown(TUNING)
