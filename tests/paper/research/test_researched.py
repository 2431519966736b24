"""A backtest and what stands beside it: followers decide as the leader does, and every control is what it says."""

import msgspec
import pytest

from liqbot.blocks import EventBlock
from liqbot.engine import Engine, Step
from paper.backtest.planned_trips import PlannedTrips
from paper.backtest.report_text import text_of
from paper.backtest.run import assembled_house, run
from paper.backtest.strategy_stats import BOTH
from paper.research.controls import FILLS, PLACEBOS, RANDOM
from paper.research.followers import follower
from paper.research.priced_entries import Entry, EntryPricer
from paper.research.random_entries import OwnEntries
from paper.research.researched import Wanted, researched
from paper.research.setup import Setup, ready
from paper.research.text import controls_text, monte_carlo_text, refusals_text
from paper.research.work import LocalWorkers
from paper.sessions.sim_loop import SimLoop


class Pair:
    """A follower under the leader's own settings, and the Steps of both at Ticks."""

    def __init__(self, setup: Setup) -> None:
        self.tape, self.settings = ready(setup)
        self.led: list[Step] = []
        self.followed: list[Step] = []
        self._loop: SimLoop | None = None

    def __call__(self, _seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        if self._loop is None:
            self._loop = follower(self.settings, self.tape, engine)
        if block.tick_ms is not None:
            self.led.append(step)
            self.followed.append(self._loop.step(block))


def without_numbers(step: Step) -> bytes:
    """The leader was told who it is, so it counts one step more."""
    return msgspec.structs.replace(step, seq=0).encoded()


@pytest.mark.drawn
def test_a_follower_with_the_leaders_settings_decides_the_same(setup: Setup) -> None:
    pair = Pair(setup)
    house = assembled_house(pair.settings, pair.tape, storage=None, checks=(pair,))
    run(house.loop, pair.tape.blocks())
    assert sum(bool(step.commands) for step in pair.led) > 5
    assert [without_numbers(step) for step in pair.led] == [without_numbers(step) for step in pair.followed]


@pytest.mark.drawn
def test_an_entry_priced_alone_earns_what_the_house_earned_by_it(setup: Setup) -> None:
    """The house's own entries, each in a house of its own, at the Tick they were approved at."""
    tape, settings = ready(setup)
    own, trips, pricers = OwnEntries(settings), PlannedTrips(), list[EntryPricer]()

    def price(seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        if not pricers:
            pricers.append(EntryPricer(settings, tape, engine))
        before = len(own.found)
        own(seq, block, step, engine)
        for one in own.found[before:]:
            pricers[0].enter(Entry("own", one.strategy, one.coin, one.side))
        if block.tick_ms is not None:
            pricers[0].step(block)

    house = assembled_house(settings, tape, storage=None, checks=(trips, price))
    run(house.loop, tape.blocks())
    alone = {one.trip.opened_ms: one.trip for one in pricers[0].finish() if one.trip is not None}
    assert len(trips.closed) >= 3
    for trip in map(trips.line, trips.closed):
        priced = alone[trip.opened_ms]
        assert (priced.closed_ms, priced.side, priced.exit_reason) == (trip.closed_ms, trip.side, trip.exit_reason)
        assert bool(priced.funding_usd) == bool(trip.funding_usd)
        # At another size: only the impact of the orders differs.
        assert abs((priced.r_multiple or 0.0) - (trip.r_multiple or 0.0)) < 0.03


@pytest.mark.long
def test_every_strategy_stands_beside_every_control_on_the_first_screen(setup: Setup) -> None:
    found = researched(setup, LocalWorkers(1), wanted=Wanted(draws=6, monte_carlo=100))
    beside = {(one.strategy, one.control) for one in found.research.controls}
    assert beside == {(name, control) for name in found.report.strategies for control in (*PLACEBOS, RANDOM, *FILLS)}
    for one in found.research.controls:
        assert (one.trades == 0) == (one.expectancy_r.value != one.expectancy_r.value)
    traded = [one for one in found.report.by_strategy if one.side == BOTH]
    assert sum(one.trades for one in traded) == found.report.trades.closed > 0
    assert any(one.entries for one in found.research.refusals)
    text = text_of(
        found.report, controls_text(found.report, found.research),
        refusals_text(found.research.refusals, found.report.strategies), monte_carlo_text(found.research.monte_carlo),
    )
    first = text.partition("\n\nequity")[0].splitlines()[3:]
    assert not [line for line in first if len(line) > 92]
    for word in ("random entries", "map 48 h old", "mirrored map", "friendly fills", "refused alone by", "monte carlo"):
        assert any(word in line for line in first), word
