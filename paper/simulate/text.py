"""A simulation's result for people: what was broken, and the matrix of faults and order states, empty cells first."""

from collections.abc import Sequence
from typing import Final

from paper.simulate.campaign import ALL_PAIRS_SEEDS, Summary
from paper.simulate.faults import CATALOGUE, STATES
from paper.simulate.mutants import MUTANTS
from paper.simulate.records import MutantRun

SHOWN_MAX: Final = 24
_NEVER: Final = "·"


def text_of(summary: Summary) -> str:
    return "\n".join((*_head(summary), "", *_matrix(summary), "", *_violations(summary)))


def mutant_runs_text(found: Sequence[MutantRun]) -> list[str]:
    """A line for each deliberate defect: which seed noticed it first, by which law, and what the defect is."""
    missed = [run.mutant for run in found if run.caught is None]
    width = max((len(run.mutant) for run in found), default=0)
    lines = [f"defects not caught: {', '.join(missed) or 'none'} (of {len(found)})"]
    for run in found:
        seed, law = ("-", "NOT CAUGHT") if run.caught is None else (str(run.caught.seed), run.caught.violation.law)
        lines.append(f"{run.mutant:<{width}} seed {seed:>4} {law:<24} {MUTANTS[run.mutant].what}")
    return lines


def _head(summary: Summary) -> list[str]:
    entries = f"{summary.entries} entries (median {summary.entries_median} per seed)"
    naked = (
        f"without a full stop, by position: p99 {summary.naked_ms_p99} ms, maximum {summary.naked_ms_max} ms; at most "
        f"{summary.naked_excused_ms_max} ms more while the process or the venue was away"
    )
    beside = f"{summary.test_markets} of them in a test market of other prices"
    return [
        f"{summary.seeds} seeds, {beside}, {summary.simulated_hours:,} simulated hours, {summary.restarts} restarts",
        f"{entries}, {summary.liquidations} liquidations, {summary.adl} deleveragings",
        naked,
    ]


def _matrix(summary: Summary) -> list[str]:
    """Rows with the least met cells first; a dot where fault and state cannot meet."""
    empty = summary.empty_cells
    width = max(len(fault.name) for fault in CATALOGUE)
    more = f" and {len(empty) - SHOWN_MAX} more" if len(empty) > SHOWN_MAX else ""
    lines = [f"pairs of fault and order state not met: {', '.join(empty[:SHOWN_MAX]) or 'none'}{more}"]
    if summary.proves_too_little:
        lines.append(f"no success: from {ALL_PAIRS_SEEDS} seeds on every pair should be met")
    lines.append(f"least met pair: {summary.rarest} times ({_NEVER}: cannot meet)")
    lines.append(" ".join((" " * width, *(f"{state[:9]:>9}" for state in STATES))))
    rows = sorted(summary.faults.items(), key=lambda row: min(count for count in row[1].values() if count is not None))
    for fault, counts in rows:
        cells = (_NEVER if counts[state] is None else str(counts[state]) for state in STATES)
        lines.append(" ".join((fault.ljust(width), *(f"{cell:>9}" for cell in cells))))
    return lines


def _violations(summary: Summary) -> list[str]:
    if not summary.violations:
        return ["violations: none"]
    lines = [f"violations: {len(summary.violations)}"]
    for one in summary.violations:
        lines.append(f"seed {one.seed}, step {one.violation.step}: {one.violation.law}: {one.violation.what}")
        lines.append(f"  repeat with: {one.command}")
    return lines
