"""`liqbot backtest TAPE`: the whole house over a recorded market, and an honest report."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from liqbot import places
from liqbot.settings import load
from liqbot.verbs.options import ConfigDir, Json, Profile, Set
from paper.backtest.report_text import text_of
from paper.backtest.run import backtest as run_backtest
from paper.tapes.reader import read_tape
from paper.verbs.ending import books_written


def backtest(
    path: Annotated[Path, typer.Argument(metavar="TAPE", help="A tape: a Parquet file, one row per market fact.")],
    profile: Profile = "paper",
    config: ConfigDir = None,
    overrides: Set = None,
    data: Annotated[
        Path | None,
        typer.Option("--data", help="State directory [default: backtest/<name of the tape> beside the profiles' own]."),
    ] = None,
    no_journal: Annotated[
        bool, typer.Option("--no-journal", help="Write no journal and no ledger: faster, but nothing to explain later.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Run the whole house over a tape: map, strategies, risk and orders, filled by the simulated exchange.

    Prints trades, refusals by code, verdicts made without an input, costs, drawdown and exposure, against holding.
    """
    settings = load(profile, config=config, overrides=overrides or ()).settings
    tape = read_tape(path)
    directory = None if no_journal else places.backtest_dir(data, path.stem)
    with books_written():
        report = run_backtest(tape, settings, profile=profile, data=directory)
    print(msgspec.json.encode(report).decode() if as_json else text_of(report))
