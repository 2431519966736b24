"""`liqbot exchange serve`: the simulated exchange on loopback, for the unmodified clients of real venues."""

import asyncio
import contextlib
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from liqbot.blocks import EventBlock, Roster
from liqbot.exits import Exit, ExpectedError
from liqbot.settings import Settings, load
from liqbot.verbs.durations import seconds_of
from liqbot.verbs.options import ConfigDir, Profile, Set
from paper.dialects.dialect import Dialect
from paper.dialects.hub import Hub
from paper.dialects.serving import DIALECTS, Loopback, dialect_class, dialects_of, serving
from paper.params import PaperSection
from paper.sessions.listings import paper_instruments
from paper.tapes.reader import read_tape
from paper.world import World

app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)

KEY: Final = "simulated-{venue}-key"
WORD: Final = "simulated-{venue}-secret"
"""No secret: it opens a pretended account on this machine, as does the other one."""
WORD_TOO: Final = "simulated"
DEMO_KEY: Final = "simulated-{venue}-demo-key"
"""For clients in demo trading, at venues that tell their keys from others."""


class Served(msgspec.Struct, frozen=True):
    """The market that is served: `history` is known to REST, `live` is streamed."""

    roster: Roster
    history: Iterable[EventBlock]
    live: Iterable[EventBlock]


@app.callback()
def exchange() -> None:
    """The simulated exchange, spoken in the protocols of real venues."""


@app.command()
def serve(
    venue: Annotated[
        str, typer.Option("--venue", help="Venues to speak as, separated by commas.")
    ] = ",".join(DIALECTS),
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    market: Annotated[str, typer.Option("--market", help="world (simulated traders) or a tape.")] = "world",
    speed: Annotated[
        float, typer.Option("--speed", min=0, help="Market seconds per second; 0: as fast as it goes.")
    ] = 1,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the simulated market.")] = 7,
    for_: Annotated[
        str | None, typer.Option("--for", help="How long, as in 60s, 10m, 2h [default: until interrupted].")
    ] = None,
    profile: Profile = "paper",
    config: ConfigDir = None,
    overrides: Set = None,
) -> int:
    """Serve a pretended market and pretended accounts over REST and WebSocket on this machine.

    Listens on 127.0.0.1 alone. Any client of these venues whose addresses are rewritten trades on it.
    """
    settings = load(profile, config=config, overrides=overrides or ()).settings
    for_s = seconds_of(for_) if for_ is not None else None
    venues = _venues(venue)
    served = _market(market, settings, seed)
    hub = _hub(served.roster, venues, settings)
    print(f"market {market}: reading its history", flush=True)
    hub.warm(served.history)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(hub, venues, served, port=port, speed=speed, for_s=for_s))
    return Exit.OK


async def _serve(
    hub: Hub, venues: tuple[str, ...], served: Served, *, port: int, speed: float, for_s: float | None
) -> None:
    try:
        async with serving(hub, _spoken(hub, venues), port) as loop:
            print(_welcome(loop, venues, speed), flush=True)
            await hub.run(served.live, speed, for_s)
    except OSError as error:
        raise ExpectedError(f"port {port}: {error.strerror or error}", Exit.UNREACHABLE) from None
    print(f"served until market time {hub.now_ms}")
    for what in hub.unknown:
        print(f"asked for, but not modelled: {what}")


def _spoken(hub: Hub, venues: tuple[str, ...]) -> list[Dialect]:
    dialects = dialects_of(hub, venues)
    for dialect in dialects:
        if dialect.demo_keys_differ:
            dialect.demo_keys.add(DEMO_KEY.format(venue=dialect.venue))
    return dialects


def _venues(text: str) -> tuple[str, ...]:
    venues = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    unknown = [one for one in venues if one not in DIALECTS]
    if unknown or not venues:
        raise ExpectedError(f"--venue {text!r}: one or more of {', '.join(DIALECTS)}", Exit.USAGE)
    return venues


def _market(name: str, settings: Settings, seed: int) -> Served:
    if name == "world":
        world = World(settings.section(PaperSection).world, seed)
        return Served(world.roster, world.backfill(), world.blocks())
    tape = read_tape(Path(name))
    return Served(tape.roster, (), tape.blocks())


def _hub(roster: Roster, venues: tuple[str, ...], settings: Settings) -> Hub:
    """With one account per venue, and one for demo trading where its keys differ.

    ExpectedError when the market lacks a venue or all of the coins.
    """
    lacking = [one for one in venues if one not in roster.venues]
    coins = [coin for coin in settings.coins if coin in roster.coins]
    if lacking or not coins:
        has = f"{', '.join(roster.venues)} with {', '.join(roster.coins)}"
        raise ExpectedError(f"--venue {','.join(lacking or venues)}: this market has {has}", Exit.CONFIG)
    listed = [one for name in venues for one in paper_instruments(name, coins)]
    hub = Hub(roster, listed, settings.section(PaperSection).exchange)
    for name, key in _keys(venues):
        hub.open_account(name, key, WORD.format(venue=name), passphrase=WORD_TOO)
    return hub


def _keys(venues: tuple[str, ...]) -> list[tuple[str, str]]:
    demo = [(name, DEMO_KEY.format(venue=name)) for name in venues if dialect_class(name).demo_keys_differ]
    return [*((name, KEY.format(venue=name)) for name in venues), *demo]


def _welcome(loop: Loopback, venues: tuple[str, ...], speed: float) -> str:
    pace = f"{speed:g} market seconds per second" if speed else "as fast as it goes"
    keys = "\n".join(
        f"  {name:<8} key {key}   secret {WORD.format(venue=name)}   passphrase {WORD_TOO}"
        for name, key in _keys(venues)
    )
    wallet = next(iter(loop.hub.accounts.values())).wallet_usd
    return (
        f"serving {', '.join(venues)} on {loop.url}, {pace}; nothing here is real\n"
        f"accounts, {wallet:,.0f} USD each:\n{keys}\n"
        "point a client at it: put this address and the original host before every path, websockets (ws://) alike:\n"
        f"  curl {loop.url}/{dialect_class(venues[0]).time_address}"
    )
