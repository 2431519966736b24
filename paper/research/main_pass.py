"""The first pass of a backtest with controls: the house itself, and beside it, on the same fold of the market, what
other ways of filling and every refusal would have made."""

from pathlib import Path

import msgspec

from liqbot.blocks import EventBlock
from liqbot.engine import Engine, Step
from liqbot.review.progress import progress
from paper.backtest.planned_trips import PlannedTrips, TripLine
from paper.backtest.report import BacktestReport
from paper.backtest.run import backtest
from paper.params import PaperSection, with_section
from paper.research.controls import FILLS
from paper.research.followers import follower
from paper.research.priced_entries import EntryPricer
from paper.research.random_entries import OwnEntries, OwnEntry
from paper.research.refused_entries import RefusalPrice, RefusedEntries, prices_of
from paper.research.setup import Setup, ready
from paper.sessions.sim_loop import SimLoop


class MainPass(msgspec.Struct, frozen=True):
    """All that later passes need of it."""

    report: BacktestReport
    own: tuple[OwnEntry, ...]
    first_ms: int
    last_ms: int
    """Of the Ticks at which reasons were weighed."""
    fills: dict[str, tuple[TripLine, ...]]
    """Closed trips by way of filling."""
    refusals: tuple[RefusalPrice, ...]


def main_pass(setup: Setup, data: Path | None = None) -> MainPass:
    """With `data` the house writes its books there."""
    tape, settings = ready(setup)
    beside = _Beside(setup)
    with progress(f"backtest of {Path(setup.tape).name}") as advance:
        report = backtest(
            tape, settings, profile=setup.profile, data=data, observers=(beside,), advance=advance
        )
    # Its time is that of many houses: nothing about the speed of one.
    report = msgspec.structs.replace(report, speed=None)
    fills = {name: tuple(planned.line(trip) for trip in planned.closed) for name, planned in beside.fills.items()}
    own = beside.own
    return MainPass(report, tuple(own.found), own.first_ms, own.last_ms, fills, beside.refusals())


class _Beside:
    """An observer of the backtest's house: houses that follow it are made at its first step, when it stands."""

    def __init__(self, setup: Setup) -> None:
        self._tape, self._settings = ready(setup)
        self._own = OwnEntries(self._settings)
        self._loops: list[SimLoop] = []
        self._refused: RefusedEntries | None = None
        self.fills = {name: PlannedTrips() for name in FILLS}

    def __call__(self, seq: int, block: EventBlock, step: Step, engine: Engine) -> None:
        if self._refused is None:
            self._begin(engine)
        assert self._refused is not None
        self._own(seq, block, step, engine)
        if block.tick_ms is None:
            return  # what became of the leader's own orders
        for loop in self._loops:
            loop.step(block)
        self._refused(seq, block, step, engine)

    def _begin(self, engine: Engine) -> None:
        section = self._settings.section(PaperSection)
        for name, changes in FILLS.items():
            exchange = section.exchange.model_copy(update=changes)
            filled = with_section(self._settings, section.model_copy(update={"exchange": exchange}))
            self._loops.append(follower(filled, self._tape, engine, self.fills[name]))
        self._pricer = EntryPricer(self._settings, self._tape, engine)
        self._refused = RefusedEntries(self._settings, self._pricer)

    @property
    def own(self) -> OwnEntries:
        return self._own

    def refusals(self) -> tuple[RefusalPrice, ...]:
        return () if self._refused is None else prices_of(self._pricer.finish())
