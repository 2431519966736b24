"""`liqbot doctor`: is everything in order before money is at stake?"""

import asyncio
from typing import Annotated

import msgspec
import typer

from liqbot import places
from liqbot.exits import Exit
from liqbot.live.credentials import TRADING_MODES, require_latches
from liqbot.live.doctor import Finding, Health, findings
from liqbot.log import configure
from liqbot.settings import Settings, load
from liqbot.verbs.options import ConfigDir, Data, Json, Profile, Set


def doctor(
    profile: Profile = "paper",
    canary: Annotated[
        bool, typer.Option("--canary", help="Also place a stop far away, read it back and cancel it.")
    ] = False,
    config: ConfigDir = None,
    overrides: Set = None,
    data: Data = None,
    as_json: Json = False,
) -> int:
    """Check configuration, disk, books, clocks, the key and its rights, margin mode, orders, and the stop.

    The exit code is that of the first failure: 3 configuration or key, 4 venue not reached, 7 database.
    """
    settings = load(profile, config=config, overrides=overrides or ()).settings
    configure("error", settings.log.format)
    found: list[Finding] = []

    async def look() -> None:
        access = require_latches(settings, profile, live=_is_live(settings)) if _trades(settings) else None
        async for finding in findings(settings, places.data_dir(data, profile), access, canary=canary):
            found.append(finding)
            if not as_json:
                print(f"{finding.verdict.value:<5} {finding.what:<16} {finding.text}", flush=True)

    asyncio.run(look())
    if as_json:
        print(msgspec.json.encode(found).decode())
    return next((finding.exit_code for finding in found if finding.verdict is Health.FAIL), Exit.OK)


def _trades(settings: Settings) -> bool:
    return settings.mode in TRADING_MODES


def _is_live(settings: Settings) -> bool:
    """Looking is allowed without the second latch."""
    return settings.mode == "live"
