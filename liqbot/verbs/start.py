"""`liqbot start`: the bot on a venue's test network, demo account, or with money."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import structlog
import typer

from liqbot import places
from liqbot.connection.unified_library import library_version
from liqbot.events import HaltCode
from liqbot.exits import Exit, ExpectedError
from liqbot.live.bot import trade
from liqbot.live.credentials import require_latches
from liqbot.live.ladder import NOTHING_ASKED, Climb, require_climbed
from liqbot.log import configure
from liqbot.review.durations import seconds_of
from liqbot.review.tables import print_json
from liqbot.runtime.last_known import LastKnown, last_known
from liqbot.runtime.process import wall_ms
from liqbot.settings import Settings, load
from liqbot.settings.examples import PROFILES
from liqbot.settings.record import restored
from liqbot.settings.tradable import require_tradable
from liqbot.settings.without_profile import without_profile
from liqbot.verbs.options import ConfigDir, Data, Json, Set, ThinCoin, overriding, plain_name

_log = structlog.get_logger(__name__)
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
    override_ladder: Annotated[
        str | None,
        typer.Option(
            "--override-ladder", metavar="TEXT",
            help="Live without the recorded days: 'I trade profile NAME without the recorded days'. Goes on record.",
        ),
    ] = None,
    for_: Annotated[
        str | None, typer.Option("--for", help="How long, as in 60s, 10m, 2h [default: until stopped].")
    ] = None,
    config: ConfigDir = None,
    overrides: Set = None,
    allow_thin_coin: ThinCoin = False,
    data: Data = None,
    as_json: Json = False,
) -> int:
    """Trade on a venue. Recovers from the journal first, reads the account, then begins; SIGTERM ends it in order."""
    directory = places.data_dir(data, profile)
    settings, halts = _settings(
        profile, config, overriding(overrides, allow_thin_coin=allow_thin_coin), directory
    )
    access = require_latches(settings, profile, live=live)
    climb = _climb(settings, profile, override_ladder, directory, with_money=access == "live" and not dry_run)
    for_s = seconds_of(for_) if for_ is not None else None
    configure(settings.log.level, settings.log.format)
    for reason in halts.values():
        _log.error("manage-only", reason=reason)
    if climb.missing:
        _log.error("live without the recorded days", missing=climb.missing, override=climb.typed or "none: manage-only")
    ended = asyncio.run(trade(settings, directory, access, dry_run=dry_run, for_s=for_s, halts=halts, climb=climb))
    if as_json:
        print_json({"data": str(directory), "exit_code": ended})
    return ended


def _climb(settings: Settings, profile: str, typed: str | None, directory: Path, *, with_money: bool) -> Climb:
    if not with_money:
        if typed is not None:
            raise ExpectedError("--override-ladder: only live asks for recorded days", Exit.USAGE)
        return NOTHING_ASKED
    known = _known(directory)
    return require_climbed(settings, profile, typed, wall_ms(), held=known is not None and known.may_hold)


def _settings(
    profile: str, config: Path | None, overrides: Sequence[str], directory: Path
) -> tuple[Settings, dict[HaltCode, str]]:
    """A profile that cannot be read, or names other coins or venues than the journal is of, refuses the start, unless a
    position may be open: then the journal's configuration is in force, and nothing is entered under it."""
    try:
        settings = require_tradable(load(profile, config=config, overrides=overrides).settings)
    except ExpectedError as refusal:
        known = _held(directory) if refusal.exit_code is Exit.CONFIG else None
        if known is None:
            raise
        why = f"the configuration cannot be read, so that of the journal is in force: {refusal}"
        return without_profile(known.config.config_json), _recorded_halt(why)
    known = _held(directory)
    recorded = None if known is None else restored(known.config.config_json, settings.signals.own)
    other = "" if recorded is None else _other_roster(settings, recorded)
    if recorded is None or not other:
        return settings, {}
    why = f"{other}, whose configuration is in force while a position may be open; once flat, use another data folder"
    return recorded.model_copy(update={"keys": settings.keys}), _recorded_halt(why)


def _recorded_halt(reason: str) -> dict[HaltCode, str]:
    return {HaltCode.RECORDED_CONFIGURATION: " ".join(reason.split())}


def _other_roster(settings: Settings, recorded: Settings) -> str:
    """In words, what the profile watches or trades and the journal does not, or the other way round; empty for nothing,
    and where both are not of one account."""
    if (settings.mode, settings.trade_venue) != (recorded.mode, recorded.trade_venue):
        return ""
    for name in ("coins", "venues"):
        wanted, kept = getattr(settings, name), getattr(recorded, name)
        if wanted != kept:
            return f"the profile names {name} {', '.join(wanted)}, the journal is of {', '.join(kept)}"
    return ""


def _held(directory: Path) -> LastKnown | None:
    """None where nothing can be open."""
    known = _known(directory)
    return known if known is not None and known.may_hold else None


def _known(directory: Path) -> LastKnown | None:
    """None also for a journal that cannot be read: what is wrong with the configuration is said first then."""
    try:
        return last_known(directory, library_version())
    except ExpectedError:
        return None
