"""`liqbot panic`: flat now, with or without a running bot."""

import asyncio
import contextlib
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer

from liqbot import places
from liqbot.connection.client import VenueClient
from liqbot.connection.unified_library import library_version
from liqbot.connection.usable_contracts import open_known, open_usable
from liqbot.control import protocol
from liqbot.control.panic_latch import LatchReport, set_panic
from liqbot.execution.edge.account import traded_on
from liqbot.exits import Exit, ExpectedError
from liqbot.legible import spelled_and_cut
from liqbot.live.credentials import TRADING_MODES, require_latches, trading_adapter_for, trading_client
from liqbot.live.panic import STRANGE, Left, Panic
from liqbot.log import configure
from liqbot.review.durations import seconds_of
from liqbot.runtime.last_known import last_known
from liqbot.settings import Settings, load
from liqbot.venues.errors import ContractChanged, VenueError
from liqbot.verbs.options import ConfigDir, Data, Json, Set, plain_name
from liqbot.verbs.said_lines import SaidLines

AGAIN_S: Final = 1.0


def panic(
    profile: Annotated[
        str, typer.Option("--profile", callback=plain_name, help="The profile whose account to flatten.")
    ],
    why: Annotated[str, typer.Option("--why", help="Why; goes on record.")] = "",
    for_: Annotated[str, typer.Option("--for", help="Give up after this long, as in 2m.")] = "2m",
    config: ConfigDir = None,
    overrides: Set = None,
    data: Data = None,
    as_json: Json = False,
) -> int:
    """Cancel entries and takes, close every position of the profile's coins, confirm by REST, then cancel the stops.

    Tells the running bot, and leaves a latch that a running or restarted bot honours until `liqbot resume`. Exit code 1
    unless the venue says that nothing is left, or when no bot would know of it.
    """
    settings = load(profile, config=config, overrides=overrides or ()).settings
    if settings.mode not in TRADING_MODES:
        raise ExpectedError(f"mode: {settings.mode!r} in profile {profile} has no account to flatten", Exit.CONFIG)
    configure(settings.log.level, settings.log.format)
    directory, tell = places.data_dir(data, profile), SaidLines(as_json=as_json)
    reason = spelled_and_cut(why) or "by hand"
    informed = _inform(directory, reason, tell)
    latch = set_panic(directory, time_ms=time.time_ns() // 1_000_000, why=reason)
    known = _say_latched(directory, latch, tell, informed=informed)
    left = asyncio.run(_flatten(settings, profile, directory, seconds_of(for_), tell))
    for line in (*left.positions, *left.orders):
        tell(f"LEFT      {line}")
    if left.nothing:
        tell("flat: no position, no order")
    done = Exit.OK if left.nothing and known else Exit.FAILED
    return tell.ended(
        done, flat=left.nothing, left=[*left.positions, *left.orders], told_the_bot=informed,
        latches=[str(path) for path in latch.set_in],
    )


def _inform(directory: Path, reason: str, tell: SaidLines) -> bool:
    """Whether a bot that runs there took it: it stops entering at once and closes too."""
    try:
        protocol.request(directory, {"verb": "panic", "why": reason}, timeout_s=2.0)
    except (ExpectedError, OSError, ValueError) as error:
        tell(f"no running bot was reached: {error}")
        return False
    tell("the running bot closes too, and enters nothing")
    return True


def _say_latched(directory: Path, report: LatchReport, tell: SaidLines, *, informed: bool) -> bool:
    """Whether every bot on that directory will know."""
    for trouble in report.troubles:
        tell(f"LATCH NOT SET in {trouble}")
    if report.set_in:
        tell(f"latch set in {report.set_in[0].parent}: nothing is entered until liqbot resume")
        return True
    which = "that is started" if informed else "that runs or starts"
    may = f"a bot {which} there may enter again"
    tell(f"NO LATCH for {directory}: {may}; stop it, or keep it from starting")
    return False


async def _flatten(
    settings: Settings, profile: str, directory: Path, for_s: float, tell: SaidLines
) -> Left:
    # The second latch guards the way in; the way out is open to everybody who has the key.
    access = require_latches(settings, profile, live=settings.mode == "live")
    client = trading_client(settings, access)
    loop = asyncio.get_running_loop()
    until_s = loop.time() + for_s
    try:
        while True:
            opened = await _opened(client, settings, directory, tell)
            traded = [traded_on(client, one) for one in client.instruments(opened.coins)]
            work = Panic(client, trading_adapter_for(settings), traded, tell)
            left = await work.run(until_s - loop.time()) if traded else Left((), ())
            over = loop.time() + AGAIN_S > until_s
            if not traded and over:
                raise ExpectedError(f"not flat: {next(iter(opened.unknown.values()))}", Exit.UNREACHABLE)
            if over or not opened.unknown or (opened.answered and traded):
                return left._replace(positions=(*left.positions, *opened.words))
            await asyncio.sleep(AGAIN_S)
    finally:
        await client.close()


class _Opened(NamedTuple):
    """`answered`: the venue has said which contracts it lists, so that asking again brings no other."""

    coins: tuple[str, ...]
    unknown: dict[str, str]
    """Coins whose contract is not known, and why."""
    answered: bool

    @property
    def words(self) -> Iterator[str]:
        return (f"{coin}: not known: {why}" for coin, why in self.unknown.items())


async def _opened(client: VenueClient, settings: Settings, directory: Path, tell: SaidLines) -> _Opened:
    """Contracts as the venue lists them, else as the journal keeps them, else as documented. One that is not known
    keeps no position in another open."""
    answered = True
    try:
        why = await open_usable(client, settings.coins)
    except (VenueError, *STRANGE) as error:
        why, answered = dict.fromkeys(settings.coins, str(error)), isinstance(error, ContractChanged)
    for words in dict.fromkeys(why.values()):
        tell(f"contracts not read: {words}")
    unknown = {coin: why[coin] for coin in await _not_known(client, tuple(why), directory)}
    return _Opened(tuple(coin for coin in settings.coins if coin not in unknown), unknown, answered)


async def _not_known(client: VenueClient, coins: tuple[str, ...], directory: Path) -> tuple[str, ...]:
    """Of these, once journal and documents were looked into."""
    if not coins:
        return ()
    with contextlib.suppress(ExpectedError, OSError, *STRANGE):
        known = last_known(directory, library_version())
        if known is not None and known.contracts is not None:
            coins = await open_known(client, coins, known.contracts)
            if not coins:
                return ()
    return await open_known(client, coins, None)
