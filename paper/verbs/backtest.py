"""`liqbot backtest TAPE`: the whole house over a recorded market, and an honest report."""

import sys
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
from paper.research.progress import to_stderr
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


def backtest(
    path: Annotated[Path, typer.Argument(metavar="TAPE", help="A tape: a Parquet file, one row per market fact.")],
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
    draws: Annotated[
        int, typer.Option("--draws", min=1, max=100_000, help="Random entries per strategy, as a control.")
    ] = DRAWS,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of random entries and resampled days.")] = 1,
    monte_carlo: Annotated[
        int, typer.Option("--monte-carlo", min=0, max=1_000_000, help="Runs of the same trades in other orders.")
    ] = 1_000,
    walk_forward: Annotated[
        int, typer.Option("--walk-forward", min=0, max=100, help="Windows; thresholds are chosen anew before each.")
    ] = 0,
    ablation: Annotated[
        bool, typer.Option("--ablation", help="A walk without each gate, in three more passes.")
    ] = False,
    processes: Annotated[int, typer.Option("--processes", min=1, max=256, help="For the controls.")] = 1,
    as_json: Json = False,
) -> None:
    """Run the whole house over a tape: map, strategies, risk and orders, filled by the simulated exchange.

    Prints each strategy beside its controls (old and mirrored maps, random entries, other fills), what refusals would
    have earned, trades, refusals by code, verdicts made without an input, costs, drawdown and exposure, and holding.
    """
    settings = load(profile, config=config, overrides=overriding(overrides, allow_thin_coin=allow_thin_coin)).settings
    setup = Setup.of(path, settings, profile, config)
    coins = ready(setup).tape.roster.coins
    if any(map(is_thin, coins)):
        print(labelled(coins), file=sys.stderr)
    directory = None if no_journal else places.backtest_dir(data, path.stem)
    with books_written():
        if controls:
            wanted = Wanted(draws, seed, monte_carlo, walk_forward, ablation)
            found = researched(setup, LocalWorkers(processes), to_stderr, data=directory, wanted=wanted)
            print(msgspec.json.encode(_plain(found)).decode() if as_json else _text(found))
            return
        with progress(f"backtest of {path.name}") as advance:
            report = run_backtest(ready(setup).tape, settings, profile=profile, data=directory, advance=advance)
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
