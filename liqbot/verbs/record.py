"""`liqbot record`: the live market into a journal, to be replayed, exported and backtested."""

import asyncio
from typing import Annotated, Final

import typer

from liqbot import places
from liqbot.live.record import record as run
from liqbot.log import configure
from liqbot.review.durations import seconds_of
from liqbot.review.tables import print_json
from liqbot.runtime.raw_recorder import DIRECTORY
from liqbot.settings import load
from liqbot.verbs.options import ConfigDir, Data, Json, Profile, Set

PLACE: Final = "record"


def record(
    for_: Annotated[
        str | None, typer.Option("--for", help="How long, as in 60s, 10m, 2h [default: until stopped].")
    ] = None,
    raw: Annotated[
        bool, typer.Option("--raw", help="Keep every message of the feeds as it was sent, too; see record.raw_gb_max.")
    ] = False,
    profile: Profile = "paper",
    config: ConfigDir = None,
    overrides: Set = None,
    data: Data = None,
    as_json: Json = False,
) -> int:
    """Write the live market into a journal: feeds, map and verdicts, no account and no orders."""
    settings = load(profile, config=config, overrides=overrides or ()).settings
    for_s = seconds_of(for_) if for_ is not None else None
    configure(settings.log.level, settings.log.format)
    directory = places.data_dir(data, PLACE)
    ended = asyncio.run(run(settings, directory, for_s=for_s, raw=raw))
    journal = places.journal_path(directory)
    if as_json:
        print_json({"journal": str(journal), "raw": str(directory / DIRECTORY) if raw else None, "exit_code": ended})
        return ended
    print(f"journal   {journal}\nnext      liqbot replay --db {journal}    liqbot tape export TAPE --db {journal}")
    if raw:
        print(f"raw       {directory / DIRECTORY}    liqbot tape export TAPE --raw {directory / DIRECTORY}")
    return ended
