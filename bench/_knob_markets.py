"""Pairs of simulated markets of both families that differ in one knob alone, seed included: whether stops and
liquidations of others are hunted and price comes back, or whether anything pushes price at all."""

from pathlib import Path
from typing import Any, Final

from paper.flow_world import FlowParams, FlowWorld
from paper.flow_world.params import FlowPriceParams
from paper.tapes.truth import export
from paper.world import World
from paper.world.params import SEVEN_VENUES, ShockParams, WorldParams

_HOUR_MS: Final = 3_600_000
HUNTS_DAY: Final = 8.0
"""Pushes of .3 % a minute at most toward the heaviest cell of stops and liquidations within .4 to 3.5 %."""


def _flow(seed: int, days: float, *, hunts_day: float) -> FlowWorld:
    prices = FlowPriceParams(
        volatility_day_pct=4.0, hunts_day=hunts_day, hunt_push_pct_min=0.3, hunt_min=40, hunt_back_share=0.9
    )
    return FlowWorld(FlowParams(days=days, burn_in_days=2, prices=prices), seed)


def _crowd(seed: int, days: float, *, shocks_day: float) -> World:
    params = WorldParams(
        days=days, step_ms=60_000, backfill_days=1, backfill_step_ms=300_000, burn_in_days=3, venues=SEVEN_VENUES,
        shocks=ShockParams(first_wick_minute=None, rate_day=shocks_day),
    )
    return World(params, seed)


MARKETS: Final[dict[str, Any]] = {
    "flow-hunted": lambda days: _flow(97_101, days, hunts_day=HUNTS_DAY),
    "flow-quiet": lambda days: _flow(97_101, days, hunts_day=0.0),
    "crowd-shocks": lambda days: _crowd(97_201, days, shocks_day=2.0),
    "crowd-quiet": lambda days: _crowd(97_201, days, shocks_day=0.0),
}


def tape_of(name: str, days: float, folder: Path, *, make: bool) -> Path | None:
    """Made once for what it is: its folder carries the market's fingerprint. None where it is not there and there is no
    time to `make` it. KeyError for a name that is none."""
    market = MARKETS[name](days)
    tape = folder / str(market.fingerprint) / f"{name}-{days:g}d.parquet"
    if not tape.is_file() and not make:
        return None
    if not tape.is_file():
        tape.parent.mkdir(parents=True, exist_ok=True)
        export(market, tape, tape.with_name("truth.parquet"), every_ms=_HOUR_MS)
    return tape
