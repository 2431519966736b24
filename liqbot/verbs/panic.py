"""`liqbot panic`: flat now, with or without a running bot."""

import asyncio
import threading
import time
from pathlib import Path
from typing import Annotated, Final

import typer

from liqbot import places
from liqbot.control import protocol
from liqbot.execution.edge.account import traded_on
from liqbot.exits import Exit, ExpectedError
from liqbot.live.credentials import TRADING_MODES, require_latches, trading_adapter_for, trading_client
from liqbot.live.panic import Left, Panic
from liqbot.log import configure
from liqbot.settings import Settings, load
from liqbot.venues.errors import VenueError
from liqbot.verbs.durations import seconds_of
from liqbot.verbs.options import ConfigDir, Data, Set, plain_name

LATCH_S: Final = 2.0
"""Longest wait for the disk: flattening waits for none."""


def panic(
    profile: Annotated[
        str, typer.Option("--profile", callback=plain_name, help="The profile whose account to flatten.")
    ],
    why: Annotated[str, typer.Option("--why", help="Why; goes on record.")] = "",
    for_: Annotated[str, typer.Option("--for", help="Give up after this long, as in 2m.")] = "2m",
    config: ConfigDir = None,
    overrides: Set = None,
    data: Data = None,
) -> int:
    """Cancel entries, close every position of the profile's coins, confirm by REST, then cancel the stops.

    Leaves a latch that a running or restarted bot honours until `liqbot resume`. Exit code 1 until flat, or when the
    latch could not be written.
    """
    settings = load(profile, config=config, overrides=overrides or ()).settings
    if settings.mode not in TRADING_MODES:
        raise ExpectedError(f"mode: {settings.mode!r} in profile {profile} has no account to flatten", Exit.CONFIG)
    configure(settings.log.level, settings.log.format)
    directory = places.data_dir(data, profile)
    trouble = _latched(directory, why or "by hand")
    if trouble:
        print(f"LATCH NOT SET in {directory}: {trouble}; a bot that runs or starts there may enter again", flush=True)
    else:
        print(f"latch set in {directory}: nothing is entered until liqbot resume", flush=True)
    left = asyncio.run(_flatten(settings, profile, seconds_of(for_)))
    for line in (*left.positions, *left.orders):
        print(f"LEFT      {line}")
    if left.nothing:
        print("flat: no position, no order")
    return Exit.OK if left.nothing and not trouble else Exit.FAILED


def _latched(directory: Path, why: str) -> str:
    """Why it could not be written, empty when it was. A disk that hangs is left alone."""
    trouble = [f"the disk did not answer within {LATCH_S:g} s"]

    def write() -> None:
        try:
            protocol.write_latch(directory, protocol.PANIC, time_ms=time.time_ns() // 1_000_000, why=why)
        except OSError as error:
            trouble[0] = str(error)
        else:
            trouble[0] = ""

    work = threading.Thread(target=write, daemon=True)
    work.start()
    work.join(LATCH_S)
    return trouble[0]


async def _flatten(settings: Settings, profile: str, for_s: float) -> Left:
    # The second latch guards the way in; the way out is open to everybody who has the key.
    access = require_latches(settings, profile, live=settings.mode == "live")
    client = trading_client(settings, access)
    loop = asyncio.get_running_loop()
    until_s = loop.time() + for_s
    try:
        while True:
            try:
                await client.open(settings.coins)
                break
            except VenueError as error:
                print(f"no answer: {error}", flush=True)
                if loop.time() > until_s:
                    raise ExpectedError(f"not flat: {error}", Exit.UNREACHABLE) from None
                await asyncio.sleep(1.0)
        traded = [traded_on(client, one) for one in client.instruments(settings.coins)]
        work = Panic(client, trading_adapter_for(settings), traded, lambda text: print(text, flush=True))
        return await work.run(until_s - loop.time())
    finally:
        await client.close()
