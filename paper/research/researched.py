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
from paper.backtest.strategy_stats import TradeSample
from paper.params import PaperSection
from paper.research.ablation import AblationJob, WithoutGate, ablation
from paper.research.controls import FILLS, PLACEBOS, RANDOM, ControlJob, ControlRow, control_row, trips_of
from paper.research.followers import follower
from paper.research.monte_carlo import MonteCarlo, monte_carlo
from paper.research.priced_entries import EntryPricer
from paper.research.progress import RunProgress, Say
from paper.research.random_entries import OwnEntries, drawn
from paper.research.refused_entries import RefusalPrice, RefusedEntries, prices_of
from paper.research.setup import Setup, ready
from paper.research.walk_forward import WalkForward, variations, walk_forward
from paper.research.walks import Walked, WalkJob, walk
from paper.research.work import Workers
from paper.sessions.sim_loop import SimLoop

DRAWS: Final = 200
"""Random entries per strategy."""
BESIDE: Final = 13
"""Candidates that are walked side by side over one fold of the market."""


class Research(msgspec.Struct, frozen=True):
    """What `backtest` prints beside its report."""

    seed: int
    draws: int
    controls: tuple[ControlRow, ...]
    """By strategy: the placebos, random entries, then other ways of filling."""
    refusals: tuple[RefusalPrice, ...]
    monte_carlo: MonteCarlo | None = None
    walk_forward: WalkForward | None = None
    ablation: tuple[WithoutGate, ...] = ()


class Wanted(msgspec.Struct, frozen=True):
    """How much is asked."""

    draws: int = DRAWS
    seed: int = 1
    monte_carlo: int = 0
    """Runs; 0: none."""
    walk_forward: int = 0
    """Windows; 0: none."""
    ablation: bool = False


WANTED: Final = Wanted()


class Researched(msgspec.Struct, frozen=True):
    report: BacktestReport
    research: Research


class _Beside:
    """An observer of the backtest's house: houses that follow it are made at its first step, when it stands."""

    def __init__(self, setup: Setup, say: Say) -> None:
        self._tape, self._settings = ready(setup)
        self._own, self._progress = OwnEntries(self._settings), RunProgress("backtest", say)
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
    setup: Setup, workers: Workers, say: Say, *, data: Path | None = None, wanted: Wanted = WANTED
) -> Researched:
    """The backtest of a setup, then a pass over the tape for each control, and for what else is wanted."""
    tape, settings = ready(setup)
    beside = _Beside(setup, say)
    report = backtest(tape, settings, profile=setup.profile, data=data, observers=(beside,))
    # Its time is that of many houses: nothing about the speed of one.
    report = msgspec.structs.replace(report, speed=None)
    beside_trips = _controls(setup, beside, workers, say, wanted)
    rows = tuple(
        control_row(strategy, control, report.trips, beside_trips.get(control, ()), wanted.seed)
        for strategy in report.strategies
        for control in (*PLACEBOS, RANDOM, *FILLS)
    )
    sample = TradeSample.of(report.trips)
    risk_pct = settings.risk.risk_per_trade_pct
    research = Research(
        wanted.seed, wanted.draws, rows, beside.refusals(),
        monte_carlo(sample.r_multiples, risk_pct, wanted.monte_carlo, wanted.seed) if wanted.monte_carlo else None,
        _walked_forward(setup, workers, say, wanted) if wanted.walk_forward else None,
        _ablated(setup, report.strategies, workers) if wanted.ablation else (),
    )
    return Researched(report, research)


def _controls(
    setup: Setup, beside: "_Beside", workers: Workers, say: Say, wanted: Wanted
) -> dict[str, Sequence[TripLine]]:
    """Trips of all strategies, by control."""
    own = beside.own
    draws = drawn(own.found, own.first_ms, own.last_ms, wanted.draws, wanted.seed)
    jobs = [ControlJob(setup, name) for name in PLACEBOS]
    jobs += [ControlJob(setup, RANDOM, draws)] if draws else []
    found: dict[str, Sequence[TripLine]] = {}
    progress = RunProgress("controls", say)
    for job, trips in workers.results(trips_of, jobs):
        found[job.control] = trips
        progress.at(len(found) / len(jobs))
    for name, planned in beside.fills.items():
        found[name] = [planned.line(trip) for trip in planned.closed]
    return found


def _walked_forward(setup: Setup, workers: Workers, say: Say, wanted: Wanted) -> WalkForward:
    candidates = variations(ready(setup).settings, wanted.seed)
    walked: dict[int, Walked] = {}
    jobs = [WalkJob(setup, candidates[first : first + BESIDE]) for first in range(0, len(candidates), BESIDE)]
    progress = RunProgress("walking forward", say)
    for job, found in workers.results(walk, jobs):
        begin = jobs.index(job) * BESIDE
        walked |= dict(enumerate(found, begin))
        progress.at(len(walked) / len(candidates))
    return walk_forward(candidates, [walked[index] for index in range(len(candidates))], wanted.walk_forward)


def _ablated(setup: Setup, strategies: Sequence[str], workers: Workers) -> tuple[WithoutGate, ...]:
    jobs = [AblationJob(setup, (name,)) for name in strategies]
    found = {job.strategies: rows for job, rows in workers.results(ablation, jobs)}
    return tuple(row for job in jobs for row in found[job.strategies])


def _with_paper(settings: Settings, section: PaperSection) -> Settings:
    """The settings with another section of ours, whatever it is called."""
    name = next(name for name in type(settings).model_fields if isinstance(getattr(settings, name), PaperSection))
    return settings.model_copy(update={name: section})
