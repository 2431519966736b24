"""A backtest with what it must be read beside: its controls, other ways of filling, and what refusals were worth."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from liqbot.review.progress import progress
from paper.backtest.planned_trips import TripLine
from paper.backtest.report import BacktestReport
from paper.backtest.strategy_stats import TradeSample
from paper.research.ablation import AblationJob, WithoutGate, ablation
from paper.research.controls import FILLS, PLACEBOS, RANDOM, ControlJob, ControlRow, control_row, trips_of
from paper.research.main_pass import MainPass, main_pass
from paper.research.monte_carlo import MonteCarlo, monte_carlo
from paper.research.random_entries import drawn
from paper.research.refused_entries import RefusalPrice
from paper.research.setup import Setup, ready
from paper.research.walk_forward import WalkForward, variations, walk_forward
from paper.research.walks import Walked, WalkJob, walk
from paper.research.work import Workers

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


def researched(
    setup: Setup, workers: Workers, *, data: Path | None = None, wanted: Wanted = WANTED
) -> Researched:
    """The backtest of a setup, then a pass over the tape for each control, and for what else is wanted."""
    return beside(setup, main_pass(setup, data), workers, wanted)


def beside(setup: Setup, main: MainPass, workers: Workers, wanted: Wanted = WANTED) -> Researched:
    """What stands beside a main pass that has been made."""
    report = main.report
    trips = _controls(setup, main, workers, wanted)
    rows = tuple(
        control_row(strategy, control, report.trips, trips.get(control, ()), wanted.seed)
        for strategy in report.strategies
        for control in (*PLACEBOS, RANDOM, *FILLS)
    )
    sample, risk_pct = TradeSample.of(report.trips), ready(setup).settings.risk.risk_per_trade_pct
    research = Research(
        wanted.seed, wanted.draws, rows, main.refusals,
        monte_carlo(sample.r_multiples, risk_pct, wanted.monte_carlo, wanted.seed) if wanted.monte_carlo else None,
        _walked_forward(setup, workers, wanted) if wanted.walk_forward else None,
        _ablated(setup, report.strategies, workers) if wanted.ablation else (),
    )
    return Researched(report, research)


def _controls(
    setup: Setup, main: MainPass, workers: Workers, wanted: Wanted
) -> dict[str, Sequence[TripLine]]:
    """Trips of all strategies, by control."""
    draws = drawn(main.own, main.first_ms, main.last_ms, wanted.draws, wanted.seed)
    jobs = [ControlJob(setup, name) for name in PLACEBOS]
    jobs += [ControlJob(setup, RANDOM, draws)] if draws else []
    found: dict[str, Sequence[TripLine]] = dict(main.fills)
    with progress("controls") as advance:
        for done, (job, trips) in enumerate(workers.results(trips_of, jobs), 1):
            found[job.control] = trips
            advance(done / len(jobs))
    return found


def _walked_forward(setup: Setup, workers: Workers, wanted: Wanted) -> WalkForward:
    candidates = variations(ready(setup).settings, wanted.seed)
    walked: dict[int, Walked] = {}
    jobs = [WalkJob(setup, candidates[first : first + BESIDE]) for first in range(0, len(candidates), BESIDE)]
    with progress("walking forward") as advance:
        for job, found in workers.results(walk, jobs):
            begin = jobs.index(job) * BESIDE
            walked |= dict(enumerate(found, begin))
            advance(len(walked) / len(candidates))
    return walk_forward(candidates, [walked[index] for index in range(len(candidates))], wanted.walk_forward)


def _ablated(setup: Setup, strategies: Sequence[str], workers: Workers) -> tuple[WithoutGate, ...]:
    jobs = [AblationJob(setup, (name,)) for name in strategies]
    found = {job.strategies: rows for job, rows in workers.results(ablation, jobs)}
    return tuple(row for job in jobs for row in found[job.strategies])
