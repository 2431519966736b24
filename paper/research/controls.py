"""What a strategy is compared with: the same on maps that know nothing of now, random entries with its own exits, and
other ways of filling its orders."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from liqbot.market.coin import CoinMarket
from liqbot.market.market import Market
from paper.backtest.planned_trips import PlannedTrips, TripLine
from paper.backtest.run import assembled_house, run
from paper.backtest.strategy_stats import TradeSample, difference, expectancy
from paper.research.placebo_maps import MirroredCoin, StaleCoin
from paper.research.random_entries import RandomDraw, as_good_by_chance, priced_draws
from paper.research.setup import Setup, ready
from paper.score.bootstrap import Estimate

OWN: Final = "as traded"
RANDOM: Final = "random entries"
STALE: Final = "map 48 h old"
MIRRORED: Final = "mirrored map"
PLACEBOS: Final[dict[str, type[CoinMarket]]] = {STALE: StaleCoin, MIRRORED: MirroredCoin}
FRIENDLY: Final = "friendly fills"
DEEP: Final = "endless depth"
FILLS: Final[dict[str, dict[str, Any]]] = {
    FRIENDLY: {"bar_order": "friendly"},
    DEEP: {"impact_bps": 0.0, "depth_pct": 10_000.0},
}
"""Changes of `paper.exchange` against what is reported: the extreme against us first, and a market of limited depth."""


class ControlJob(msgspec.Struct, frozen=True):
    """One pass over a tape."""

    setup: Setup
    control: str
    draws: tuple[RandomDraw, ...] = ()
    """Of `RANDOM`."""


class ControlRow(msgspec.Struct, frozen=True):
    """A strategy beside one of its controls, both in R per trade."""

    strategy: str
    control: str
    trades: int
    expectancy_r: Estimate
    own_better_r: Estimate
    """The strategy's mean less the control's."""
    by_chance_share: float | None = None
    """Of random samples of as many entries, those at least as good as the strategy."""


def trips_of(job: ControlJob) -> tuple[TripLine, ...]:
    """Of all strategies. Runs in any process."""
    tape, settings = ready(job.setup)
    if job.control == RANDOM:
        priced = priced_draws(tape, settings, job.draws)
        return tuple(one.trip for one in priced if one.trip is not None)
    trips = PlannedTrips()
    house = assembled_house(settings, tape, storage=None, checks=(trips,))
    house.engine.market = Market(settings.market, tape.roster, settings.trade_venue, PLACEBOS[job.control])
    run(house.loop, tape.blocks())
    return tuple(trips.line(trip) for trip in trips.closed)


def control_row(
    strategy: str, control: str, own: Sequence[TripLine], trips: Sequence[TripLine], seed: int
) -> ControlRow:
    """Of all trips those of the strategy count."""
    mine = TradeSample.of(trip for trip in own if trip.strategy == strategy)
    theirs = TradeSample.of(trip for trip in trips if trip.strategy == strategy)
    chance = as_good_by_chance(mine, theirs, seed) if control == RANDOM else None
    return ControlRow(
        strategy, control, len(theirs), expectancy(theirs, seed=seed), difference(mine, theirs, seed=seed), chance
    )
