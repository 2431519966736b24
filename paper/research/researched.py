"""A backtest with what it must be read beside: its controls, other ways of filling, and what refusals were worth."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from liqbot.blocks import EventBlock
from liqbot.engine import Engine, Step
from liqbot.settings import Settings
from paper.backtest.planned_trips import PlannedTrips, TripLine
from paper.backtest.report import BacktestReport
from paper.backtest.run import backtest
from paper.params import PaperSection
from paper.research.controls import FILLS, PLACEBOS, RANDOM, ControlJob, ControlRow, control_row, trips_of
from paper.research.followers import follower
from paper.research.priced_entries import EntryPricer
from paper.research.progress import Progress, Say
from paper.research.random_entries import OwnEntries, drawn
from paper.research.refused_entries import RefusalPrice, RefusedEntries, prices_of
from paper.research.setup import Setup, ready
from paper.research.work import Workers
from paper.sessions.sim_loop import SimLoop

DRAWS: Final = 200
"""Random entries per strategy."""


class Research(msgspec.Struct, frozen=True):
    """What `backtest` prints beside its report."""

    seed: int
    draws: int
    controls: tuple[ControlRow, ...]
    """By strategy: the placebos, random entries, then other ways of filling."""
    refusals: tuple[RefusalPrice, ...]


class Researched(msgspec.Struct, frozen=True):
    report: BacktestReport
    research: Research


class _Beside:
    """An observer of the backtest's house: houses that follow it are made at its first step, when it stands."""

    def __init__(self, setup: Setup, say: Say) -> None:
        self._tape, self._settings = ready(setup)
        self._own, self._progress = OwnEntries(self._settings), Progress("backtest", say)
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
        self._progress.at((block.tick_ms - self._tape.first_ms) / max(1, self._tape.last_ms - self._tape.first_ms))

    def _begin(self, engine: Engine) -> None:
        section = self._settings.section(PaperSection)
        for name, changes in FILLS.items():
            exchange = section.exchange.model_copy(update=changes)
            filled = _with_paper(self._settings, section.model_copy(update={"exchange": exchange}))
            self._loops.append(follower(filled, self._tape, engine, self.fills[name]))
        self._pricer = EntryPricer(self._settings, self._tape, engine)
        self._refused = RefusedEntries(self._settings, self._pricer)

    @property
    def own(self) -> OwnEntries:
        return self._own

    def refusals(self) -> tuple[RefusalPrice, ...]:
        return () if self._refused is None else prices_of(self._pricer.finish())


def researched(
    setup: Setup, workers: Workers, say: Say, *, data: Path | None = None, draws: int = DRAWS, seed: int = 1
) -> Researched:
    """The backtest of a setup, then a pass over the tape for each control."""
    tape, settings = ready(setup)
    beside = _Beside(setup, say)
    report = backtest(tape, settings, profile=setup.profile, data=data, observers=(beside,))
    # Its time is that of many houses: nothing about the speed of one.
    report = msgspec.structs.replace(report, speed=None)
    own = beside.own
    draws_ = drawn(own.found, own.first_ms, own.last_ms, draws, seed)
    jobs = [ControlJob(setup, name) for name in PLACEBOS]
    jobs += [ControlJob(setup, RANDOM, draws_)] if draws_ else []
    by_control: dict[str, Sequence[TripLine]] = {}
    progress = Progress("controls", say)
    for job, trips in workers.results(trips_of, jobs):
        by_control[job.control] = trips
        progress.at(len(by_control) / len(jobs))
    for name, planned in beside.fills.items():
        by_control[name] = [planned.line(trip) for trip in planned.closed]
    rows = tuple(
        control_row(strategy, control, report.trips, by_control.get(control, ()), seed)
        for strategy in report.strategies
        for control in (*PLACEBOS, RANDOM, *FILLS)
    )
    return Researched(report, Research(seed, draws, rows, beside.refusals()))


def _with_paper(settings: Settings, section: PaperSection) -> Settings:
    """The settings with another section of ours, whatever it is called."""
    name = next(name for name in type(settings).model_fields if isinstance(getattr(settings, name), PaperSection))
    return settings.model_copy(update={name: section})
