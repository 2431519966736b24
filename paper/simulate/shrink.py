"""A failing seed made small: the fewest faults and steps that still break the same law."""

from collections.abc import Sequence

import msgspec

from paper.simulate.decision_invariants import Violation
from paper.simulate.fault_schedule import Draw
from paper.simulate.run import STEPS_MAX, RunOutcome, simulate


class Shrunk(msgspec.Struct, frozen=True):
    """`faults` are the indices of the seed's draws that are needed; `command` repeats the failure."""

    seed: int
    violation: Violation
    faults: tuple[int, ...]
    steps: int
    command: str

    @classmethod
    def of(cls, outcome: RunOutcome, faults: tuple[int, ...] | None = None, steps: int | None = None) -> "Shrunk":
        """Of an outcome that has a violation; ValueError otherwise."""
        if outcome.violation is None:
            raise ValueError(f"seed {outcome.seed} broke no law")
        command = f"./run simulate --seeds 1 --first-seed {outcome.seed}"
        if faults is not None:
            command += f" --faults {','.join(map(str, faults)) or 'none'}"
        if steps is not None:
            command += f" --steps {steps}"
        return cls(outcome.seed, outcome.violation, faults or (), outcome.steps, command)


def shrink(seed: int, draws: Sequence[Draw], steps_max: int = STEPS_MAX) -> Shrunk:
    """Tries without each fault in turn, then with no more steps than needed. ValueError when nothing fails."""
    whole = simulate(seed, draws, steps_max)
    if whole.violation is None:
        return Shrunk.of(simulate(seed))
    kept, best = list(range(len(draws))), whole
    for index in tuple(kept):
        fewer = [one for one in kept if one != index]
        tried = simulate(seed, [draws[one] for one in fewer], steps_max)
        if _same(tried, whole):
            kept, best = fewer, tried
    steps = min(steps_max, best.steps)
    cut = simulate(seed, [draws[one] for one in kept], steps)
    return Shrunk.of(cut if _same(cut, whole) else best, tuple(kept), steps if _same(cut, whole) else None)


def _same(tried: RunOutcome, whole: RunOutcome) -> bool:
    return (
        tried.violation is not None and whole.violation is not None and tried.violation.law == whole.violation.law
    )
