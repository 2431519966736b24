"""The frozen markets of the accuracy benchmark. Nothing was ever tuned on these knobs or seeds; they do not change.

Each differs from the defaults in several things at once: who is leveraged and how the mix shifts, what venues report,
how feeds are throttled, how much is cross margin, how many have stops.
"""

from typing import Final, NamedTuple

from paper.world.params import SEVEN_VENUES, CrowdParams, ShockParams, VenueParams, WorldParams

DAYS: Final = 30.0
BACKFILL_DAYS: Final = 3.0
_RETAIL = (0.02, 0.03, 0.06, 0.12, 0.20, 0.12, 0.06, 0.17, 0.06, 0.12, 0.04)
_CAREFUL = (0.14, 0.20, 0.22, 0.20, 0.12, 0.05, 0.02, 0.03, 0.01, 0.01, 0.0)


class Frozen(NamedTuple):
    """`throttled`: venues whose feed leaves out by chance or by clock; the others report every forced order."""

    seed: int
    says: str
    params: WorldParams

    @property
    def throttled(self) -> tuple[str, ...]:
        venues = self.params.venues
        return tuple(one.venue for one in venues if one.forced_throttle_ms or 0 < one.forced_share < 1)


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
