"""Many seeds on all processors, taken up where they were left, and what they come to together."""

import multiprocessing
import os
from collections import Counter
from collections.abc import Callable, Iterator
from statistics import median_low
from typing import Final

import msgspec

from paper.simulate.fault_schedule import DRAWS, draws_of
from paper.simulate.faults import AIMS, CATALOGUE, CELLS, STATES
from paper.simulate.records import RunRecords
from paper.simulate.run import RunOutcome, simulate
from paper.simulate.shrink import Shrunk, shrink

CHUNK: Final = 4
SHRUNK_MAX: Final = 3
ALL_PAIRS_SEEDS: Final = 4 * -(-len(AIMS) // DRAWS)
"""So many seeds, each of which draws a few, go through all pairs of fault and state often enough to meet every one."""


class Summary(msgspec.Struct, frozen=True):
    """What a range of seeds came to. `faults` is the matrix: fault -> order state -> how often they met; None where
    they cannot."""

    seeds: int
    violations: tuple[Shrunk, ...]
    entries: int
    entries_median: int
    liquidations: int
    adl: int
    restarts: int
    test_markets: int
    """Seeds whose orders rested in a market of other prices."""
    simulated_hours: int
    naked_ms_p99: int
    naked_ms_max: int
    """Of all positions, by the exchange's clock: without a full stop while the process lived and the venue answered."""
    naked_excused_ms_max: int
    """The same while the process or the venue was away, for as long as that was."""
    faults: dict[str, dict[str, int | None]]

    @property
    def empty_cells(self) -> tuple[str, ...]:
        """Pairs that can exist and were not met, rarest knowledge first."""
        return tuple(
            f"{fault} {state}" for fault, row in self.faults.items() for state, count in row.items() if count == 0
        )

    @property
    def proves_too_little(self) -> bool:
        """So many seeds should have met every pair, and did not."""
        return self.seeds >= ALL_PAIRS_SEEDS and bool(self.empty_cells)

    @property
    def rarest(self) -> int:
        """How often the least met pair was met."""
        return min((count for row in self.faults.values() for count in row.values() if count is not None), default=0)


def outcomes(
    first_seed: int, seeds: int, records: RunRecords | None, *, processes: int | None = None
) -> Iterator[RunOutcome]:
    """Of every seed of the range, known ones first, the others as they are done."""
    wanted = range(first_seed, first_seed + seeds)
    known = {} if records is None else records.read()
    yield from (known[seed] for seed in wanted if seed in known)
    missing = [seed for seed in wanted if seed not in known]
    workers = min(processes or os.cpu_count() or 1, max(len(missing) // CHUNK, 1))
    if workers == 1:
        for seed in missing:
            yield _kept(simulate(seed), records)
        return
    context = multiprocessing.get_context("spawn")
    with context.Pool(workers) as pool:
        for outcome in pool.imap_unordered(simulate, missing, chunksize=CHUNK):
            yield _kept(outcome, records)


def _kept(outcome: RunOutcome, records: RunRecords | None) -> RunOutcome:
    if records is not None:
        records.add(outcome)
    return outcome


def summary(found: list[RunOutcome], *, shrinking: Callable[[RunOutcome], Shrunk] | None = None) -> Summary:
    """Failing seeds are shrunk, the first few of them."""
    met: Counter[str] = Counter()
    for outcome in found:
        met.update(outcome.met)
    naked = sorted(ms for outcome in found for ms in outcome.naked_ms)
    make = shrinking or (lambda outcome: shrink(outcome.seed, draws_of(outcome.seed)))
    failed = sorted((outcome for outcome in found if outcome.violation is not None), key=lambda one: one.seed)
    return Summary(
        seeds=len(found),
        violations=tuple(
            make(outcome) if number < SHRUNK_MAX else Shrunk.of(outcome) for number, outcome in enumerate(failed)
        ),
        entries=sum(outcome.entries for outcome in found),
        entries_median=median_low(outcome.entries for outcome in found) if found else 0,
        liquidations=sum(outcome.liquidations for outcome in found),
        adl=sum(outcome.adl for outcome in found),
        restarts=sum(outcome.restarts for outcome in found),
        test_markets=sum(outcome.test_market for outcome in found),
        naked_ms_p99=_percentile(naked, 99),
        naked_ms_max=max(naked, default=0),
        naked_excused_ms_max=max((ms for outcome in found for ms in outcome.naked_excused_ms), default=0),
        simulated_hours=round(sum(outcome.simulated_h for outcome in found)),
        faults={fault.name: {state: _count(met, fault.name, state) for state in STATES} for fault in CATALOGUE},
    )


def _percentile(ordered: list[int], percent: int) -> int:
    """The smallest that so many of a hundred do not exceed."""
    return ordered[-(-len(ordered) * percent // 100) - 1] if ordered else 0


def _count(met: Counter[str], fault: str, state: str) -> int | None:
    return met[f"{fault} {state}"] if (fault, state) in CELLS else None
