"""`liqbot incident`: one archive without secrets of what somebody on call needs."""

import time
from pathlib import Path
from typing import Annotated

import typer

from liqbot import places
from liqbot.exits import Exit, ExpectedError
from liqbot.legible import counted
from liqbot.live.incident import IncidentQuery, gathered, written
from liqbot.review.durations import past_ms, seconds_of
from liqbot.review.tables import print_json
from liqbot.verbs.options import ConfigDir, Data, Json, Profile


def incident(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="Archive to write [default: incident-TIME.tar.gz here].")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="TIME", help="Around then [default: the newest in the journal].")
    ] = None,
    around: Annotated[str, typer.Option("--around", help="So long before and after, as in 30m.")] = "30m",
    log: Annotated[
        list[Path] | None, typer.Option("--log", metavar="FILE", help="Add the end of this log. Repeatable.")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite FILE where it is there already.")] = False,
    profile: Profile = "paper",
    config: ConfigDir = None,
    data: Data = None,
    as_json: Json = False,
) -> None:
    """Collect status, configuration, journal, ledger, logs and versions around a time; secrets are taken out.

    Asks no venue, and works with the bot dead. What could not be had is named in its place.
    """
    now_ms = time.time_ns() // 1_000_000
    place = file or Path(time.strftime("incident-%Y%m%dT%H%M%SZ.tar.gz", time.gmtime(now_ms / 1_000)))
    if place.is_dir():
        raise ExpectedError(f"{place} is a directory: name the file to write in it", Exit.USAGE)
    if place.exists() and not force:
        raise ExpectedError(f"{place} is there already: --force overwrites it", Exit.USAGE)
    at_ms = None if at is None else past_ms(at, now_ms, "--at")
    around_ms = int(seconds_of(around, "--around") * 1_000)
    wanted = IncidentQuery(profile, config, places.data_dir(data, profile), at_ms, around_ms, tuple(log or ()))
    bundle = gathered(wanted)
    written(bundle, place)
    if as_json:
        print_json({"file": str(place), "files": sorted(bundle.files), "redacted": bundle.redacted})
    else:
        files = counted(len(bundle.files), "file")
        print(f"wrote {place}: {files}, secrets taken out {bundle.redacted} times; read it first")
