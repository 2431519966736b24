"""Deliberate defects against seeds: which of them is the first to notice each."""

import multiprocessing
import os
from collections.abc import Iterable, Iterator, Sequence

from paper.simulate.fault_schedule import draws_of
from paper.simulate.mutants import MUTANTS
from paper.simulate.records import MutantRun, MutantRuns
from paper.simulate.run import simulate
from paper.simulate.shrink import Shrunk


def run_mutant(mutant: str, first_seed: int, seeds: int) -> MutantRun:
    """Seed after seed with the house broken, until one breaks a law; those first that draw what brings it to light."""
    with MUTANTS[mutant].applied():
        for tried, seed in enumerate(_likely_first(mutant, range(first_seed, first_seed + seeds)), 1):
            outcome = simulate(seed)
            if outcome.violation is not None:
                return MutantRun(mutant, first_seed, seeds, Shrunk.of(outcome), tried)
    return MutantRun(mutant, first_seed, seeds, None, seeds)


def _likely_first(mutant: str, seeds: Iterable[int]) -> list[int]:
    wanted = MUTANTS[mutant].shows_in
    return sorted(seeds, key=lambda seed: not any(draw.fault in wanted for draw in draws_of(seed)))


def run_mutants(
    mutants: Sequence[str], first_seed: int, seeds: int, kept: MutantRuns | None, *, processes: int | None = None
) -> Iterator[MutantRun]:
    """Known ones first, the others as they end."""
    known = {} if kept is None else kept.read(first_seed, seeds)
    yield from (known[mutant] for mutant in mutants if mutant in known)
    missing = [(mutant, first_seed, seeds) for mutant in mutants if mutant not in known]
    workers = min(processes or os.cpu_count() or 1, len(missing))
    if workers <= 1:
        for wanted in missing:
            yield _kept(run_mutant(*wanted), kept)
        return
    with multiprocessing.get_context("spawn").Pool(workers) as pool:
        for found in pool.imap_unordered(_run_one, missing):
            yield _kept(found, kept)


def _run_one(wanted: tuple[str, int, int]) -> MutantRun:
    return run_mutant(*wanted)


def _kept(found: MutantRun, kept: MutantRuns | None) -> MutantRun:
    if kept is not None:
        kept.add(found)
    return found
