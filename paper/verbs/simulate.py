"""`liqbot simulate`: the whole house over seeded markets with seeded trouble, under laws that hold at every step."""

import sys
import time
from typing import Annotated, Any, Final

import msgspec
import typer

from liqbot import places
from liqbot.exits import Exit, ExpectedError
from liqbot.log import configure
from liqbot.verbs.options import Data, Json
from paper.simulate.director import Draw, draws_of
from paper.simulate.many import Summary, outcomes, summary
from paper.simulate.mutants import MUTANTS
from paper.simulate.records import Records
from paper.simulate.run import STEPS_MAX, Outcome
from paper.simulate.run import simulate as run_seed
from paper.simulate.shrink import Shrunk
from paper.simulate.text import text_of

PROGRESS_EVERY_S: Final = 10.0
_HUNTED: Final = "all"


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
    again: Annotated[bool, typer.Option("--again", help="Forget earlier results, begin anew.")] = False,
    data: Data = None,
    as_json: Json = False,
) -> int:
    """Run the whole house in virtual time under every fault it must survive; no clock, no network, no money.

    Results are kept by seed, so an interrupted run goes on where it was. A seed that breaks a law is made small and
    printed with the one command that repeats it.
    """
    configure("error", "text")
    directory = places.data_dir(data, "simulate")
    if mutant:
        return _hunt(mutant, first_seed, seeds, as_json=as_json)
    if faults or steps != STEPS_MAX:
        return _one(first_seed, faults, steps, as_json=as_json)
    records = Records(directory)
    if again:
        records.path.unlink(missing_ok=True)
    result = summary(_followed(first_seed, seeds, records))
    print(msgspec.json.encode(_plain(result)).decode() if as_json else text_of(result))
    return Exit.FAILED if result.violations else Exit.OK


def _plain(result: Summary) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.to_builtins(result)
    return {**plain, "empty_cells": result.empty_cells, "least_met": result.rarest}


def _followed(first_seed: int, seeds: int, records: Records) -> list[Outcome]:
    """With a line of progress now and then on stderr."""
    found: list[Outcome] = []
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


def _hunt(name: str, first_seed: int, seeds: int, *, as_json: bool) -> int:
    """Each defect until a seed catches it."""
    if name != _HUNTED and name not in MUTANTS:
        raise ExpectedError(f"--mutant {name!r}: one of {_HUNTED}, {', '.join(MUTANTS)}", Exit.USAGE)
    caught: dict[str, Shrunk | None] = {}
    for wanted in MUTANTS if name == _HUNTED else (name,):
        caught[wanted] = _first_failure(wanted, first_seed, seeds)
        if not as_json:
            print(_said(wanted, caught[wanted], seeds), flush=True)
    if as_json:
        print(msgspec.json.encode(caught).decode())
    return Exit.OK if all(caught.values()) else Exit.FAILED


def _first_failure(name: str, first_seed: int, seeds: int) -> Shrunk | None:
    with MUTANTS[name].applied():
        for seed in range(first_seed, first_seed + seeds):
            outcome = run_seed(seed)
            if outcome.violation is not None:
                return Shrunk.of(outcome)
    return None


def _said(name: str, found: Shrunk | None, seeds: int) -> str:
    what = f"{name} ({MUTANTS[name].what})"
    if found is None:
        return f"{what}: NOT CAUGHT by {seeds} seeds"
    return f"{what}: caught by seed {found.seed}: {found.violation.law}: {found.violation.what[:100]}"
