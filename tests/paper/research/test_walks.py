"""Houses that sleep through what nothing can come of trade as those that are asked at every Tick."""

import pytest

from paper.backtest.planned_trips import PlannedTrips
from paper.research.followers import follower
from paper.research.market_lead import MarketLead
from paper.research.search_space import with_candidate
from paper.research.setup import Setup, ready
from paper.research.walked_house import WalkedHouse, seen_by

CANDIDATES = (
    {}, {"signals.breakout.move_range_min": 1.5}, {"signals.breakout.volume_ratio_min": 0.3},
    {"signals.breakout.move_range_min": 0.5, "signals.funding_squeeze.opposite_funding_percentile_min": 50.0},
)  # fmt: skip


@pytest.mark.long
def test_a_house_that_sleeps_trades_as_one_that_is_asked(setup: Setup) -> None:
    tape, settings = ready(setup)
    lead = MarketLead(settings, tape)
    asked, sleeping = ([PlannedTrips() for _ in CANDIDATES] for _ in range(2))
    variants = [with_candidate(settings, candidate) for candidate in CANDIDATES]
    loops = [follower(variant, tape, lead, trips) for variant, trips in zip(variants, asked, strict=True)]
    houses = [WalkedHouse(variant, tape, lead, trips) for variant, trips in zip(variants, sleeping, strict=True)]
    for block in tape.blocks():
        lead.step(block)
        seen = seen_by(lead, settings)
        for loop, house in zip(loops, houses, strict=True):
            loop.step(block)
            house.step(block, seen)
    lines = [[trips.line(trip) for trip in trips.closed] for trips in asked]
    assert sum(map(len, lines)) >= 8
    assert len({len(one) for one in lines}) > 1
    # Decisions are numbered as they are told, and a refusal that only repeats itself may be told once less.
    plain = [[_plain(line) for line in one] for one in lines]
    assert plain == [[_plain(trips.line(trip)) for trip in trips.closed] for trips in sleeping]


def _plain(line: object) -> tuple[object, ...]:
    return tuple(getattr(line, name) for name in line.__struct_fields__ if name != "decision_id")
