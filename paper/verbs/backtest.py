"""`liqbot backtest TAPE`: the whole house over a recorded market, and an honest report."""

import contextlib
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from liqbot import places
from liqbot.review.progress import progress
from liqbot.risk.thin_coins import is_thin, labelled
from liqbot.settings import load
from liqbot.verbs.options import ConfigDir, Json, Profile, Set, ThinCoin, overriding
from paper.backtest.report_text import text_of
from paper.backtest.run import backtest as run_backtest
from paper.research.researched import DRAWS, Researched, Wanted, researched
from paper.research.setup import Setup, ready
from paper.research.text import (
    ablation_text,
    controls_text,
    monte_carlo_text,
    refusals_text,
    walk_forward_text,
)
from paper.research.work import LocalWorkers
from paper.verbs.ending import books_written
from paper.verbs.research_options import Draws, Processes, Runs, Seed, TapePath, Windows


def backtest(
    path: TapePath,
    profile: Profile = "paper",
    config: ConfigDir = None,
    overrides: Set = None,
    allow_thin_coin: ThinCoin = False,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="State directory [default: backtest/<name of the tape> beside the profiles' own]."),
    ] = None,
    no_journal: Annotated[
        bool, typer.Option("--no-journal", help="Write no journal and no ledger: faster, but nothing to explain later.")
    ] = False,
    controls: Annotated[
        bool, typer.Option("--controls/--no-controls", help="Three more passes over the tape: what to compare it with.")
    ] = True,
    draws: Draws = DRAWS,
    seed: Seed = 1,
    monte_carlo: Runs = 1_000,
    walk_forward: Windows = 0,
    ablation: Annotated[bool, typer.Option("--ablation", help="A walk without each gate, in further passes.")] = False,
    processes: Processes = 1,
    as_json: Json = False,
) -> None:
    """Run the whole house over a tape: map, strategies, risk and orders, filled by the simulated exchange.

    Prints each strategy beside its controls (old and mirrored maps, random entries, other fills), what refusals would
    have earned, trades, refusals by code, verdicts made without an input, costs, drawdown and exposure, and holding.
    """
    settings = load(profile, config=config, overrides=overriding(overrides, allow_thin_coin=allow_thin_coin)).settings
    setup = Setup.of(path, settings, profile, config)
    _label(ready(setup).tape.roster.coins)
    directory = None if no_journal else places.backtest_dir(data, path.stem)
    wanted = Wanted(draws, seed, monte_carlo, walk_forward, ablation)
    with books_written(), _cut_short_is_said(directory):
        if controls:
            found = researched(setup, LocalWorkers(processes), data=directory, wanted=wanted)
            print(msgspec.json.encode(_plain(found)).decode() if as_json else _text(found))
        else:
            _alone(setup, directory, as_json=as_json)


@contextlib.contextmanager
def _cut_short_is_said(directory: Path | None) -> Iterator[None]:
    """Books of a backtest that was interrupted are sound, and look like those of a shorter tape."""
    before = _written_at(directory)
    try:
        yield
    except KeyboardInterrupt:
        if _written_at(directory) != before:
            print(f"liqbot: the books in {directory} end here; a backtest that runs to its end replaces them",
                  file=sys.stderr)  # fmt: skip
        raise


def _written_at(directory: Path | None) -> int | None:
    """When the journal there was touched last; None without one."""
    path = None if directory is None else places.journal_path(directory)
    return path.stat().st_mtime_ns if path is not None and path.is_file() else None


def _label(coins: Sequence[str]) -> None:
    """Thin coins are named wherever one is traded."""
    if any(map(is_thin, coins)):
        print(labelled(coins), file=sys.stderr)


def _alone(setup: Setup, directory: Path | None, *, as_json: bool) -> None:
    tape, settings = ready(setup)
    with progress(f"backtest of {Path(setup.tape).name}") as advance:
        report = run_backtest(tape, settings, profile=setup.profile, data=directory, advance=advance)
    print(msgspec.json.encode(report).decode() if as_json else text_of(report))


def _plain(found: Researched) -> dict[str, object]:
    """The report's own fields stay where they are."""
    return {**msgspec.structs.asdict(found.report), "research": found.research}


def _text(found: Researched) -> str:
    report, research = found.report, found.research
    beside = [
        controls_text(report, research), refusals_text(research.refusals, report.strategies),
        monte_carlo_text(research.monte_carlo),
    ]  # fmt: skip
    beside += [] if research.walk_forward is None else [walk_forward_text(research.walk_forward)]
    beside += [ablation_text(research.ablation)] if research.ablation else []
    return text_of(report, *beside)
