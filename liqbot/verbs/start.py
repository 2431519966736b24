"""`liqbot start`: the bot on a venue's test network, demo account, or with money."""

import asyncio
from typing import Annotated, Final

import typer

from liqbot import places
from liqbot.live.bot import trade
from liqbot.live.credentials import require_latches
from liqbot.log import configure
from liqbot.settings import load
from liqbot.settings.examples import PROFILES
from liqbot.verbs.durations import seconds_of
from liqbot.verbs.options import ConfigDir, Data, Set, plain_name

STARTABLE: Final = tuple(name for name in PROFILES if name != "paper")
ProfileToStart = Annotated[
    str,
    typer.Option("--profile", callback=plain_name, help=f"{', '.join(STARTABLE)} or your own"),
]


def start(
    profile: ProfileToStart,
    live: Annotated[bool, typer.Option("--live", help="Second latch, needed when the profile's mode is live.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Everything but the orders: they are shown, and refused.")
    ] = False,
    for_: Annotated[
        str | None, typer.Option("--for", help="How long, as in 60s, 10m, 2h [default: until stopped].")
    ] = None,
    config: ConfigDir = None,
    overrides: Set = None,
    data: Data = None,
) -> int:
    """Trade on a venue. Recovers from the journal first, reads the account, then begins; SIGTERM ends it in order."""
    settings = load(profile, config=config, overrides=overrides or ()).settings
    access = require_latches(settings, profile, live=live)
    for_s = seconds_of(for_) if for_ is not None else None
    configure(settings.log.level, settings.log.format)
    directory = places.data_dir(data, profile)
    return asyncio.run(trade(settings, directory, access, dry_run=dry_run, for_s=for_s))
