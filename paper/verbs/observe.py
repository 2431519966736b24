"""`liqbot observe`: what price does at the map's clusters, and what would have been entered; no account, no orders."""

import asyncio
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer

from liqbot import places
from liqbot.exits import Exit
from liqbot.live.record import record
from liqbot.log import configure
from liqbot.review.durations import seconds_of
from liqbot.review.levels.observer import LevelObserver
from liqbot.review.levels.past import observed
from liqbot.review.levels.report import LevelObservation
from liqbot.review.levels.text import observation_text
from liqbot.review.progress import progress
from liqbot.review.tables import print_json
from liqbot.settings import Settings, load
from liqbot.verbs.options import ConfigDir, Data, Json, Profile, Set
from paper.sessions.looking_on import look_on
from paper.sessions.markets import market_of
from paper.verbs.ending import books_written

PLACE: Final = "observe"
LIVE, WORLD, PAST = "live", "world", "past"
_WORLD_S: Final = 21_600.0


class _Request(NamedTuple):
    """What the command line says."""

    settings: Settings
    market: str
    seed: int
    for_s: float | None


def observe(
    market: Annotated[
        str | None,
        typer.Option(
            "--market",
            help="live (public feeds), world (simulated), a tape, or past (the journal of --data) "
            "[default: past where --data is given, else live].",
        ),
    ] = None,
    for_: Annotated[
        str | None,
        typer.Option("--for", help="How long, as in 10m, 2h, 7d; of world and tapes in market time [default: until "
                     "stopped; world: 6h]."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the simulated market.")] = 7,
    profile: Profile = "paper",
    config: ConfigDir = None,
    overrides: Set = None,
    data: Data = None,
    as_json: Json = False,
) -> int:
    """Watch what price does at clusters, against equally distant thin levels; what would have been entered. No orders.

    Of each cluster that price comes to: did it accelerate, reverse, or ignore the level. The same of a thin level of
    the same map and moment. --market live writes a journal; --data DIR alone reads one, also while it is written.
    """
    for_s = seconds_of(for_) if for_ is not None else None
    chosen = market or (PAST if data is not None else LIVE)
    if chosen == PAST:
        with progress(PLACE) as advance:
            found = observed(places.journal_path(places.data_dir(data, PLACE)), advance)
    else:
        settings = load(profile, config=config, overrides=overrides or ()).settings
        request = _Request(settings, chosen, seed, for_s)
        found = _live(request, places.data_dir(data, PLACE)) if chosen == LIVE else _simulated(request)
    if as_json:
        print_json(found)
    else:
        print(observation_text(found))
    return Exit.OK


def _live(request: _Request, directory: Path) -> LevelObservation:
    """Counts for the ladder, as `record` does."""
    settings = request.settings
    configure(settings.log.level, settings.log.format)
    watch = LevelObserver(settings)
    with books_written():
        asyncio.run(record(settings, directory, for_s=request.for_s, observers=(watch,)))
    return watch.observation(f"live, {', '.join(settings.venues)}", simulated=False)


def _simulated(request: _Request) -> LevelObservation:
    settings, market = market_of(request.market, request.settings, request.seed)
    for_s = request.for_s or (_WORLD_S if request.market == WORLD else None)
    until_ms = None if for_s is None else market.live_ms + int(for_s * 1_000)
    watch = LevelObserver(settings)
    with progress(PLACE) as advance:
        look_on(market, settings, watch.on_step, until_ms=until_ms, advance=advance)
    name = f"simulated market, seed {request.seed}" if request.market == WORLD else f"tape {request.market}"
    return watch.observation(name, simulated=request.market == WORLD)
