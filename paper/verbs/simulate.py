"""`liqbot simulate`: the whole house over seeded markets with seeded trouble, under laws that hold at every step."""

import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from liqbot import places
from liqbot.exits import Exit, ExpectedError
from liqbot.log import configure
from liqbot.verbs.options import Data, Json
from paper.simulate.campaign import Summary, outcomes, summary
from paper.simulate.fault_schedule import Draw, draws_of
from paper.simulate.mutant_run import run_mutants
from paper.simulate.mutants import MUTANTS
from paper.simulate.records import MutantRun, MutantRuns, RunRecords
from paper.simulate.run import STEPS_MAX, RunOutcome
from paper.simulate.run import simulate as run_seed
from paper.simulate.text import mutant_runs_text, text_of

PROGRESS_EVERY_S: Final = 10.0
MUTANT_SEEDS_MAX: Final = 600
"""A defect that so many seeds do not notice is not caught."""
_ALL_MUTANTS: Final = "all"


def simulate(
    seeds: Annotated[int, typer.Option("--seeds", min=1, help="How many seeds.")] = 100,
    first_seed: Annotated[int, typer.Option("--first-seed", min=0, help="The first of them.")] = 0,
    faults: Annotated[
        str, typer.Option("--faults", help="Only these of a seed's faults, by index, as in 0,2; or none.")
    ] = "",
    steps: Annotated[int, typer.Option("--steps", min=1, help="At most so many clock steps of trouble.")] = STEPS_MAX,
    mutant: Annotated[
        str, typer.Option("--mutant", help="Break the house on purpose: a defect by name, or all, each until caught.")
    ] = "",
    mutants: Annotated[
        bool, typer.Option("--mutants", help="After the seeds, every deliberate defect, until a seed catches it.")
    ] = False,
    again: Annotated[bool, typer.Option("--again", help="Forget earlier results, begin anew.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> int:
    """Run the whole house in virtual time under every fault it must survive; no clock, no network, no money.

    Results are kept by seed, so an interrupted run goes on where it was. A seed that breaks a law is made small and
    printed with the one command that repeats it. Of many seeds a pair of fault and order state that was not met is no
    success either.
    """
    configure("error", "text")
    directory = places.data_dir(data, "simulate")
    if mutant:
        return _run_mutants(mutant, first_seed, seeds, MutantRuns(directory), as_json=as_json)
    if faults or steps != STEPS_MAX:
        print(f"--faults and --steps are about one seed: {first_seed}", file=sys.stderr)
        return _one(first_seed, faults, steps, as_json=as_json)
    records, kept = RunRecords(directory), MutantRuns(directory)
    if again:
        records.path.unlink(missing_ok=True)
        kept.path.unlink(missing_ok=True)
    return _all(first_seed, seeds, records, kept if mutants else None, as_json=as_json)


def _all(first_seed: int, seeds: int, records: RunRecords, kept: MutantRuns | None, *, as_json: bool) -> int:
    """The seeds, then the defects where wanted, and where the figures come from."""
    began_s = time.monotonic()
    result = summary(_followed(first_seed, seeds, records))
    if not as_json:
        print(text_of(result), flush=True)
    found = [] if kept is None else _mutant_runs(tuple(MUTANTS), first_seed, min(seeds, MUTANT_SEEDS_MAX), kept)
    where = {
        "command": _command(), "commit": _commit(), "code": records.digest,
        "wall_s": round(time.monotonic() - began_s),
    }
    if as_json:
        caught = {} if kept is None else {"mutants": {run.mutant: run for run in found}}
        print(msgspec.json.encode({**_plain(result), **caught, **where}).decode())
    else:
        mutants = () if kept is None else ("", *mutant_runs_text(found))
        print("\n".join((*mutants, "", *(f"{name}: {what}" for name, what in where.items()))))
    whole = result.seeds == seeds and not result.violations and not result.proves_too_little
    return Exit.OK if whole and all(run.caught for run in found) else Exit.FAILED


def _plain(result: Summary) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(result)
    failures = plain.pop("violations")
    gaps = {"failures": failures, "empty_cells": result.empty_cells, "least_met": result.rarest}
    return {"violations": len(failures), **plain, **gaps}


def _command() -> str:
    return " ".join(("./run", *sys.argv[1:]))


def _commit() -> str:
    """Of the working tree, with a word when files differ from it; empty where there is no git."""
    git, root = shutil.which("git"), Path(__file__).parents[2]
    if git is None:
        return ""

    def says(*words: str) -> str:
        call = [git, "-C", str(root), *words]
        return subprocess.run(call, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603 - our git

    commit = says("rev-parse", "--short=12", "HEAD")
    return f"{commit} with changes" if commit and says("status", "--porcelain", "--", "liqbot", "paper") else commit


def _followed(first_seed: int, seeds: int, records: RunRecords) -> list[RunOutcome]:
    """With a line of progress now and then on stderr."""
    found: list[RunOutcome] = []
    said_s = time.monotonic()
    try:
        for outcome in outcomes(first_seed, seeds, records):
            found.append(outcome)
            if time.monotonic() - said_s >= PROGRESS_EVERY_S:
                said_s = time.monotonic()
                broken = sum(one.violation is not None for one in found)
                print(f"{len(found)}/{seeds} seeds, {broken} with a violation", file=sys.stderr, flush=True)
    except KeyboardInterrupt:
        print(f"interrupted after {len(found)} of {seeds} seeds: the same command goes on from here", file=sys.stderr)
    return found


def _one(seed: int, faults: str, steps: int, *, as_json: bool) -> int:
    drawn = draws_of(seed)
    kept = _chosen(faults, drawn)
    outcome = run_seed(seed, kept, steps)
    if as_json:
        print(msgspec.json.encode(outcome).decode())
    else:
        for draw in kept:
            print(f"fault {draw.fault} when an order is {draw.state}, from step {draw.from_step}")
        if outcome.violation is None:
            print(f"seed {seed}: {outcome.steps} steps, no law broken")
        else:
            print(f"seed {seed}, step {outcome.violation.step}: {outcome.violation.law}: {outcome.violation.what}")
    return Exit.OK if outcome.violation is None else Exit.FAILED


def _chosen(faults: str, drawn: tuple[Draw, ...]) -> tuple[Draw, ...]:
    if faults == "none":
        return ()
    if not faults:
        return drawn
    try:
        return tuple(drawn[int(index)] for index in faults.split(","))
    except (ValueError, IndexError):
        raise ExpectedError(f"--faults {faults!r}: indices from 0 to {len(drawn) - 1}, as in 0,2", Exit.USAGE) from None


def _run_mutants(name: str, first_seed: int, seeds: int, kept: MutantRuns, *, as_json: bool) -> int:
    """Each defect until a seed catches it."""
    if name != _ALL_MUTANTS and name not in MUTANTS:
        raise ExpectedError(f"--mutant {name!r}: one of {_ALL_MUTANTS}, {', '.join(MUTANTS)}", Exit.USAGE)
    found = _mutant_runs(tuple(MUTANTS) if name == _ALL_MUTANTS else (name,), first_seed, seeds, kept)
    if as_json:
        print(msgspec.json.encode({run.mutant: run for run in found}).decode())
    else:
        print("\n".join(mutant_runs_text(found)))
    return Exit.OK if all(run.caught for run in found) else Exit.FAILED


def _mutant_runs(names: tuple[str, ...], first_seed: int, seeds: int, kept: MutantRuns) -> list[MutantRun]:
    """In the order of the list, with a line on stderr for each as it ends."""
    found: dict[str, MutantRun] = {}
    for run in run_mutants(names, first_seed, seeds, kept):
        found[run.mutant] = run
        what = "not caught" if run.caught is None else f"caught by seed {run.caught.seed}"
        print(f"{len(found)}/{len(names)} defects: {run.mutant}: {what}", file=sys.stderr, flush=True)
    return [found[name] for name in names]
