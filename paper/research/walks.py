"""Full walks of candidates: a tape's market is folded once, and a house for each candidate decides on it."""

from collections.abc import Sequence
from typing import Any, Final

import msgspec
import numpy as np

from liqbot.settings import Settings
from paper.backtest.planned_trips import PlannedTrips
from paper.research.market_lead import MarketLead
from paper.research.search_space import with_candidate
from paper.research.setup import Setup, ready
from paper.research.walked_house import WalkedHouse, seen_by
from paper.score.price_path import Floats
from paper.tapes.reader import Tape

DAY_MS: Final = 86_400_000


class WalkJob(msgspec.Struct, frozen=True):
    """Candidates on one tape, walked side by side."""

    setup: Setup
    candidates: tuple[dict[str, Any], ...]


class Walked(msgspec.Struct, frozen=True):
    """What a candidate did on a tape: its closed trades in order, those of all strategies."""

    opened_ms: tuple[int, ...]
    closed_ms: tuple[int, ...]
    r_multiples: tuple[float, ...]
    first_ms: int
    last_ms: int
    """Of the tape."""

    @property
    def daily_r(self) -> Floats:
        """[day]: sum of R of the trades closed on each day of the tape, 0 on days without any."""
        first = self.first_ms // DAY_MS
        days = np.array(self.closed_ms, dtype=np.int64) // DAY_MS - first
        return np.bincount(days, np.array(self.r_multiples), minlength=self.last_ms // DAY_MS - first + 1).astype(float)


def walk(job: WalkJob) -> tuple[Walked, ...]:
    """One for each candidate, in their order. Runs in any process."""
    tape, settings = ready(job.setup)
    books = side_by_side(tape, settings, [with_candidate(settings, candidate) for candidate in job.candidates])
    return tuple(_walked(trips, tape.first_ms, tape.last_ms) for trips in books)


def side_by_side(tape: Tape, settings: Settings, variants: Sequence[Settings]) -> tuple[PlannedTrips, ...]:
    """One pass over the tape with a house for each variant of the settings, and what each traded. All fit the tape and
    have the market of `settings`."""
    lead = MarketLead(settings, tape)
    books = tuple(PlannedTrips() for _ in variants)
    houses = [WalkedHouse(variant, tape, lead, trips) for variant, trips in zip(variants, books, strict=True)]
    for block in tape.blocks():
        lead.step(block)
        seen = seen_by(lead, settings)
        for house in houses:
            house.step(block, seen)
    return books


def _walked(trips: PlannedTrips, first_ms: int, last_ms: int) -> Walked:
    lines = [(trips.line(trip)) for trip in trips.closed]
    known = [line for line in lines if line.r_multiple is not None and line.closed_ms is not None]
    return Walked(
        tuple(line.opened_ms for line in known), tuple(line.closed_ms or 0 for line in known),
        tuple(line.r_multiple or 0.0 for line in known), first_ms, last_ms,
    )


def pooled_daily_r(walked: Sequence[Walked]) -> Floats:
    """[day]: of several tapes, one after the other."""
    return np.concatenate([one.daily_r for one in walked])
