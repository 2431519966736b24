"""`liqbot exchange serve`: the simulated exchange on loopback, for the unmodified clients of real venues."""

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from liqbot.blocks import EventBlock, Roster, Rows
from liqbot.exits import Exit, ExpectedError
from liqbot.instruments import Instrument
from liqbot.review.durations import seconds_of
from liqbot.settings import Settings, load
from liqbot.verbs.options import ConfigDir, Json, Profile, Set
from liqbot.verbs.said_lines import SaidLines
from paper.dialects.dialect import Dialect
from paper.dialects.faults import Suffering
from paper.dialects.hub import Hub, HubParams
from paper.dialects.market_clock import caught_up, shifted
from paper.dialects.market_data.dialect import MarketDataDialect
from paper.dialects.practice import PracticeMarket, both_markets
from paper.dialects.server import Server
from paper.dialects.serving import DIALECTS, Loopback, dialect_class, dialects_of, running, traded
from paper.params import PaperSection
from paper.sessions.listings import listed_or_assumed
from paper.tapes.reader import read_tape
from paper.world import World
from paper.world.params import BTC, ETH, CoinParams

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
    positions: Callable[[], Rows] | None = None
    """Everybody's, where the market knows them."""


PracticeRatio = Annotated[
    float | None,
    typer.Option("--practice-ratio", min=0.01, max=100,
                 help="A test market beside production's, at this ratio to its prices [default: one market]."),
]
Faults = Annotated[
    int | None, typer.Option("--faults", min=0, help="Seed of trouble: requests hang, break, answer nonsense.")
]
HowLong = Annotated[
    str | None, typer.Option("--for", help="How long, as in 60s, 10m, 2h [default: until interrupted].")
]


@app.callback()
def exchange() -> None:
    """The simulated exchange, spoken in the protocols of real venues."""


@app.command()
def serve(
    venue: Annotated[
        str, typer.Option("--venue", help="Venues to speak as, separated by commas.")
    ] = ",".join(traded()),
    coins: Annotated[
        str | None, typer.Option("--coins", help="Coins to list, separated by commas [default: those of the profile].")
    ] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65_535, help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    market: Annotated[str, typer.Option("--market", help="world (simulated traders) or a tape.")] = "world",
    speed: Annotated[
        float, typer.Option("--speed", min=0, help="Market seconds per second; 0: as fast as it goes.")
    ] = 1,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the simulated market.")] = 7,
    faults: Faults = None,
    fault_share: Annotated[float, typer.Option("--fault-share", min=0, max=1, help="Of requests, by --faults.")] = 0.05,
    practice_ratio: PracticeRatio = None,
    for_: HowLong = None,
    profile: Profile = "paper",
    config: ConfigDir = None,
    overrides: Set = None,
    as_json: Json = False,
) -> int:
    """Serve a pretended market and pretended accounts on 127.0.0.1, over REST and WebSocket.

    A client of these venues whose addresses are rewritten trades on it as far as their endpoints are modelled: what it
    asks beyond that is refused, and told at the end. The market begins now; a tape is moved to the present.
    """
    settings = load(profile, config=config, overrides=overrides or ()).settings
    venues, wanted, for_s = _venues(venue), _coins(coins, settings), seconds_of(for_) if for_ is not None else None
    served = _market(market, settings, seed, wanted, time.time_ns() // 1_000_000)
    hub = _hub(served.roster, venues, settings, wanted, HubParams(wall_clock=False))
    hub.faults.suffer(Suffering(faults or 0, fault_share if faults is not None else 0.0))
    tell = SaidLines(as_json=as_json)
    tell(f"market {market}: reading its history")
    server, live = Server(hub, _dialects(hub, venues, practice_ratio)), _warmed(hub, served, speed)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(server, venues, live, tell, port=port, speed=speed, for_s=for_s))
    tell(_ending(server))
    return tell.ended(Exit.OK, requests=server.requests)


def _dialects(hub: Hub, venues: tuple[str, ...], practice_ratio: float | None) -> list[Dialect]:
    """Of one market for everybody, or of two with the same keys."""
    if practice_ratio is None:
        return dialects_of(hub, venues, demo_key=DEMO_KEY)
    practice = PracticeMarket(hub, practice_ratio).hub
    for name, key in _keys(venues):
        practice.open_account(name, key, _word(name), passphrase=WORD_TOO)
    return both_markets(hub, practice, lambda one: dialects_of(one, venues, demo_key=DEMO_KEY))


def _warmed(hub: Hub, served: Served, speed: float) -> Iterable[EventBlock]:
    """What comes after the history, which took a while to read, in which the market went on."""
    hub.open_positions = served.positions
    hub.warm(served.history)
    return caught_up(hub, served.live, time.time_ns() // 1_000_000) if speed == 1 else served.live


async def _serve(
    server: Server, venues: tuple[str, ...], live: Iterable[EventBlock], tell: SaidLines, *, port: int, speed: float,
    for_s: float | None,
) -> None:
    try:
        async with running(server, port) as loop:
            tell(_welcome(loop, venues, speed))
            begin_ms = time.time_ns() // 1_000_000 if speed == 1 else 0
            await loop.hub.run(live, speed, for_s, begin_ms)
    except OSError as error:
        raise ExpectedError(f"port {port}: {error.strerror or error}", Exit.UNREACHABLE) from None


def _ending(server: Server) -> str:
    """What was served, and everything that was not."""
    lines = [f"served until market time {server.hub.now_ms}, {server.requests} requests"]
    suffered = Counter(fault.kind.value for _, fault in server.hub.faults.suffered)
    lines += [f"trouble by --faults: {count} x {kind}" for kind, count in suffered.most_common()]
    unknown = Counter(server.hub.unknown)
    lines += [f"asked for, but not modelled: {count} x {_printable(what)}" for what, count in unknown.most_common()]
    lines += [f"refused: {count} x {_printable(what)}" for what, count in server.refusals.most_common()]
    return "\n".join(lines)


def _printable(text: str) -> str:
    """Without the control signs that a client may have put into a path."""
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def _venues(text: str) -> tuple[str, ...]:
    venues = tuple(dict.fromkeys(part.strip() for part in text.split(",") if part.strip()))
    unknown = [one for one in venues if one not in DIALECTS]
    if unknown or not venues:
        raise ExpectedError(f"--venue {text!r}: one or more of {', '.join(DIALECTS)}", Exit.USAGE)
    return venues


def _coins(text: str | None, settings: Settings) -> tuple[str, ...]:
    if text is None:
        return tuple(settings.coins)
    coins = tuple(dict.fromkeys(part.strip().upper() for part in text.split(",") if part.strip()))
    if not coins or not all(coin.isalnum() and coin.isascii() for coin in coins):
        raise ExpectedError(f"--coins {text!r}: names of coins, as in BTC,ETH", Exit.USAGE)
    return coins


def _market(name: str, settings: Settings, seed: int, coins: tuple[str, ...], now_ms: int) -> Served:
    """The market from `now_ms` on: a world begins then, a tape is moved there."""
    if name == "world":
        world_params = settings.section(PaperSection).world
        step_ms = world_params.step_ms
        listed = {one.coin: one for one in (BTC, ETH, *world_params.coins)}
        params = world_params.model_copy(update={
            "start_ms": now_ms // step_ms * step_ms,
            "coins": tuple(listed.get(coin) or _made_up(coin) for coin in coins),
        })
        world = World(params, seed)
        return Served(world.roster, world.backfill(), world.blocks(), world.positions)
    tape = read_tape(Path(name))
    return Served(tape.roster, (), shifted(tape.blocks(), now_ms))


def _made_up(coin: str) -> CoinParams:
    """A coin of which nothing is known: a small market, priced at 100."""
    return ETH.model_copy(update={"coin": coin, "start_price": 100.0, "oi_usd": 5e8, "depth_usd": 5e7})


def _hub(
    roster: Roster, venues: tuple[str, ...], settings: Settings, coins: tuple[str, ...], params: HubParams | None = None
) -> Hub:
    """With one account per venue that takes orders, and one for demo trading where its keys differ.

    ExpectedError when the market lacks a venue or a coin.
    """
    lacking = [one for one in venues if one not in roster.venues]
    absent = [coin for coin in coins if coin not in roster.coins]
    if lacking or absent:
        has = f"{', '.join(roster.venues)} with {', '.join(roster.coins)}"
        said = f"--venue {','.join(lacking)}" if lacking else f"--coins {','.join(absent)}"
        raise ExpectedError(f"{said}: this market has {has}", Exit.CONFIG)
    listed = [one for name in venues for one in _listed(name, coins, roster)]
    hub = Hub(roster, listed, settings.section(PaperSection).exchange, params)
    for name, key in _keys(venues):
        hub.open_account(name, key, _word(name), passphrase=WORD_TOO)
    return hub


def _listed(venue: str, coins: tuple[str, ...], roster: Roster) -> list[Instrument]:
    """Of a venue that is only read, every contract that the market has."""
    kind = dialect_class(venue)
    if issubclass(kind, MarketDataDialect):
        return kind.listed_instruments(coins, roster.venues)
    return [listed_or_assumed(venue, coin) for coin in coins]


def _keys(venues: tuple[str, ...]) -> list[tuple[str, str]]:
    trading = [name for name in venues if dialect_class(name).takes_orders]
    demo = [(name, DEMO_KEY.format(venue=name)) for name in trading if dialect_class(name).demo_keys_differ]
    return [*((name, _key(name)) for name in trading), *demo]


def _key(venue: str) -> str:
    """In the form that the venue has keys; so are secrets."""
    sample = dialect_class(venue).sample_key
    return KEY.format(venue=venue) if sample is None else sample[0]


def _word(venue: str) -> str:
    sample = dialect_class(venue).sample_key
    return WORD.format(venue=venue) if sample is None else sample[1]


def _welcome(loop: Loopback, venues: tuple[str, ...], speed: float) -> str:
    pace = f"{speed:g} market seconds per second" if speed else "as fast as it goes"
    keys = "\n".join(
        f"  {name:<8} key {key}   secret {_word(name)}   passphrase {WORD_TOO}"
        for name, key in _keys(venues)
    )
    wallet = next((account.wallet_usd for account in loop.hub.accounts.values()), None)
    accounts = "no accounts: market data alone\n" if wallet is None else f"accounts, {wallet:,.0f} USD each:\n{keys}\n"
    return (
        f"serving {', '.join(venues)} on {loop.url}, {pace}; nothing here is real\n"
        f"{accounts}"
        "point a client at it: put this address and the original host before every path, websockets (ws://) alike:\n"
        f"  curl{_posted(venues[0])} {loop.url}/{dialect_class(venues[0]).time_address}"
    )


def _posted(venue: str) -> str:
    body = dialect_class(venue).time_body
    return f" -H 'Content-Type: application/json' -d '{body}'" if body else ""
