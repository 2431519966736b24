"""Command-line options that several verbs share, so that they are spelled and explained the same everywhere."""

from pathlib import Path
from typing import Annotated

import typer

Profile = Annotated[str, typer.Option("--profile", help="Name of the profile: reads <config>/<profile>.toml.")]
Data = Annotated[
    Path | None, typer.Option("--data", help="State directory [default: $LIQBOT_DATA, else ./var/<profile>].")
]
ConfigDir = Annotated[
    Path | None, typer.Option("--config", help="Configuration directory [default: $LIQBOT_CONFIG, else ./config].")
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override one setting, as in risk.leverage_max=3. Repeatable."),
]
Db = Annotated[
    Path | None, typer.Option("--db", help="Ledger or journal file to read [default: the one in the state directory].")
]
LedgerDb = Annotated[
    str | None,
    typer.Option("--db", help="Ledger to read, a file or a postgresql:// URL [default: in the state directory]."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
