"""Command-line options of the verbs that ask tapes, spelled and explained the same in each."""

from pathlib import Path
from typing import Annotated

import typer

TapePath = Annotated[Path, typer.Argument(metavar="TAPE", help="A tape: a Parquet file, one row per market fact.")]
TapePaths = Annotated[list[Path], typer.Argument(metavar="TAPE...", help="Tapes to choose on.")]
HeldOut = Annotated[
    list[Path] | None,
    typer.Option("--held-out", metavar="TAPE", help="Looked at once, at the end; repeatable. Name other markets."),
]
SearchLines = Annotated[
    list[str] | None,
    typer.Option("--search", metavar="KEY=VALUES", help="signals.cascade.flow_min=0:0.1:0.05 or =1,2. Repeatable."),
]
StrategyNames = Annotated[
    list[str] | None,
    typer.Option("--strategy", help="Without --search: thresholds of this strategy's gates [default: of all]."),
]
Storage = Annotated[
    str, typer.Option("--storage", help="SQLAlchemy URL of Optuna's database [default: a file beside backtests].")
]
Scheduler = Annotated[
    str, typer.Option("--scheduler", help="Address of a Dask scheduler, as in tcp://host:8786; needs liqbot[dask].")
]
Processes = Annotated[int, typer.Option("--processes", min=1, max=256, help="Of this machine, side by side.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Of everything that is drawn.")]
Draws = Annotated[int, typer.Option("--draws", min=1, max=100_000, help="Random entries per strategy, as a control.")]
Runs = Annotated[
    int, typer.Option("--monte-carlo", min=0, max=1_000_000, help="Runs of the same trades in other orders.")
]
Windows = Annotated[
    int, typer.Option("--walk-forward", min=0, max=100, help="Windows; thresholds are chosen anew before each.")
]
