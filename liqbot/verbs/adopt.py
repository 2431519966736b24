"""`liqbot adopt`: what an earlier journal, or a hand, left on the account becomes ours."""

import asyncio
from typing import Annotated

import typer

from liqbot import places
from liqbot.exits import Exit, ExpectedError
from liqbot.live.adopt import adopt as take_over
from liqbot.live.credentials import TRADING_MODES, require_latches
from liqbot.log import configure
from liqbot.settings import load
from liqbot.verbs.options import ConfigDir, Data, Json, Set, plain_name
from liqbot.verbs.said_lines import SaidLines


def adopt(
    profile: Annotated[
        str, typer.Option("--profile", callback=plain_name, help="The profile whose account to look at.")
    ],
    yes: Annotated[
        str, typer.Option("--yes", metavar="ACCOUNT", help="Take it over: the account's name, as it is shown.")
    ] = "",
    config: ConfigDir = None,
    overrides: Set = None,
    data: Data = None,
    as_json: Json = False,
) -> int:
    """Show what is on the account that this journal does not know: other journals, their orders, positions.

    With --yes it becomes ours: written into the journal, put under a stop at once, and then the orders of the other
    journals are cancelled. Orders that no liqbot placed stay. Needs no running bot; stop it first.
    """
    settings = load(profile, config=config, overrides=overrides or ()).settings
    if settings.mode not in TRADING_MODES:
        raise ExpectedError(f"mode: {settings.mode!r} in profile {profile} has no account", Exit.CONFIG)
    # What it sends only reduces risk, so the second latch of live is not required.
    access = require_latches(settings, profile, live=settings.mode == "live")
    configure(settings.log.level, settings.log.format)
    tell = SaidLines(as_json=as_json)
    return tell.ended(asyncio.run(take_over(settings, places.data_dir(data, profile), access, yes, tell)))
