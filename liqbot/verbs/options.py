"""Command-line options that several verbs share, so that they are spelled and explained the same everywhere."""

import re
from pathlib import Path
from typing import Annotated, Final

import typer

from liqbot.exits import Exit, ExpectedError
from liqbot.review.tables import screen_height

_ROWS: Final = 50
_BESIDE_ROWS: Final = 5
"""Lines of a screen that a table leaves to its head, its notes and the prompt."""


def rows_wanted(limit: int | None) -> int:
    """Of `--limit`."""
    height = screen_height()
    return limit or (_ROWS if height is None else max(3, height - _BESIDE_ROWS))


def plain_name(profile: str) -> str:
    """The profile itself. It becomes a file and a folder, so it may not lead anywhere else: ExpectedError (usage)."""
    if re.fullmatch(r"\w[\w.-]*", profile) is None:
        raise ExpectedError(
            f"--profile {profile!r}: a plain name of letters, digits, '-', '_' and '.', as in demo-2", Exit.USAGE
        )
    return profile


Profile = Annotated[
    str, typer.Option("--profile", callback=plain_name, help="Name of the profile: reads <config>/<profile>.toml.")
]
OwnProfile = Annotated[
    str | None,
    typer.Option(
        "--profile",
        callback=lambda name: None if name is None else plain_name(name),
        help="State directory and parameters of this profile [default: paper's state, with the run's own parameters].",
    ),
]
"""Of verbs that answer with the recorded parameters unless others are named."""
Data = Annotated[
    Path | None,
    typer.Option("--data", help="State directory [default: $LIQBOT_DATA, else var/<profile> of the checkout]."),
]
ConfigDir = Annotated[
    Path | None,
    typer.Option("--config", help="Configuration directory [default: $LIQBOT_CONFIG, else config of the checkout]."),
]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="KEY=VALUE", help="Override one setting, as in risk.leverage_max=3. Repeatable."),
]
ThinCoin = Annotated[
    bool,
    typer.Option("--allow-thin-coin", help="Trade coins other than BTC and ETH, with half of every limit."),
]


def overriding(overrides: list[str] | None, *, allow_thin_coin: bool) -> list[str]:
    """What `--set` and the options that stand for a setting override."""
    return [*(overrides or ()), *(["allow_thin_coin=true"] if allow_thin_coin else ())]


Db = Annotated[
    Path | None, typer.Option("--db", help="Ledger or journal file to read [default: the one in the state directory].")
]
LedgerDb = Annotated[
    str | None,
    typer.Option("--db", help="Ledger to read, a file or a postgresql:// URL [default: in the state directory]."),
]
Limit = Annotated[
    int | None,
    typer.Option("--limit", min=1, max=1_000_000, help="The newest so many [default: what fits the screen, else 50]."),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def picture_file(file: Path | None) -> Path | None:
    """Of an option that names a picture to write: ExpectedError (usage) before anything is read. What draws is imported
    only where it is wanted."""
    if file is None:
        return None
    from liqbot.review.figures.canvas import require_format

    require_format(file)
    return file
