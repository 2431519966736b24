"""`liqbot paper`: the bot on a simulated market, at a chosen speed, with every decision on record."""

import asyncio
import functools
import json
import os
import sys
from pathlib import Path
from typing import Annotated, Final, NamedTuple

import typer

from liqbot import places
from liqbot.blocks import EventBlock
from liqbot.engine import Engine
from liqbot.exits import Exit, ExpectedError
from liqbot.legible import counted, short_usd
from liqbot.log import configure
from liqbot.market.view import MarketView
from liqbot.observers.console import ConsoleObserver, Print, progress
from liqbot.review.durations import seconds_of
from liqbot.review.pictures.map_text import draw_map
from liqbot.review.reading import reading_of
from liqbot.review.tables import screen_width
from liqbot.risk.thin_coins import labelled
from liqbot.settings import Settings, load
from liqbot.settings.tradable import require_tradable
from liqbot.verbs.next_command import Books
from liqbot.verbs.options import ConfigDir, Data, Json, Profile, Set, ThinCoin, overriding
from paper.sessions.markets import market_of
from paper.sessions.paced import run_paced
from paper.sessions.session import SessionMarket, fresh_storage
from paper.verbs.ending import books_written

LIVE: Final = "live"
_PROGRESS_EVERY: Final = 0.25
_MAP_ROWS, _MAP_NOTES = 5, 6


def paper(
    market: Annotated[
        str, typer.Option("--market", help="world (simulated traders), live (public feeds), or a tape.")
    ] = "world",
    speed: Annotated[
        float, typer.Option("--speed", min=0, help="Market seconds per second; 0: as fast as it goes.")
    ] = 60,
    for_: Annotated[
        str | None, typer.Option("--for", help="How long, as in 60s, 10m, 2h [default: until interrupted].")
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Seed of the simulated market.")] = 7,
    wire: Annotated[
        bool, typer.Option("--wire", help="Everything through the venues' own protocols, served on this machine.")
    ] = False,
    profile: Profile = "paper",
    config: ConfigDir = None,
    overrides: Set = None,
    allow_thin_coin: ThinCoin = False,
    data: Data = None,
    maps: Annotated[
        float | None, typer.Option("--maps", min=1, metavar="SECONDS", help="Draw the map so often too.")
    ] = None,
    as_json: Json = False,
) -> int:
    """Run the whole bot with simulated fills: no keys, no network, no money."""
    settings = load(profile, config=config, overrides=overriding(overrides, allow_thin_coin=allow_thin_coin)).settings
    if settings.mode != "paper":
        raise ExpectedError(f"mode: {settings.mode!r} in profile {profile}, but this verb is for 'paper'", Exit.CONFIG)
    for_s = seconds_of(for_) if for_ is not None else None
    configure("warning" if wire and settings.log.level == "info" else settings.log.level, settings.log.format)
    show = functools.partial(print, file=sys.stderr if as_json else sys.stdout, flush=True)
    console = ConsoleObserver(show, _map_text, map_every_s=maps)
    request = _Request(settings, places.data_dir(data, profile), console, show, market, seed, speed, for_s)
    with books_written():
        ended = _wired(request) if wire else _live(request) if market == LIVE else _paced(request)
    if ended.interrupted:
        show("interrupted: the books are complete up to here")
    console.show_maps(ended.engine)
    _finish(ended.engine, console, Books(None, data, profile), request.data, as_json=as_json)
    return Exit.OK


class _Request(NamedTuple):
    """What the command line says."""

    settings: Settings
    data: Path
    console: ConsoleObserver
    show: Print
    market: str
    seed: int
    speed: float
    for_s: float | None


class _Ended(NamedTuple):
    engine: Engine
    interrupted: bool


class _Warming:
    """Shows how the map fills while the history goes by."""

    def __init__(self, market: SessionMarket, show: Print) -> None:
        self._market, self._show = market, show
        self._shown_share = 0.0

    def history(self, block: EventBlock, engine: Engine) -> None:
        if block.tick_ms is None:
            return
        share = (block.tick_ms - self._market.start_ms) / max(1, self._market.live_ms - self._market.start_ms)
        if share >= self._shown_share:
            self._show(f"map filling {progress(share)}{_warmth(engine)}")
            self._shown_share = share + _PROGRESS_EVERY

    def warm(self, engine: Engine) -> None:
        for view in engine.views:
            ahead = [(word, one.largest) for word, one in (("shorts above", view.above), ("longs below", view.below))]
            told = [f"{short_usd(one.usd)} in {word}, {one.distance_pct:.1f} % away" for word, one in ahead if one]
            self._show(f"map of {view.coin}: {'; '.join(told) or 'no cluster stands out'} (estimate)")


def _paced(request: _Request) -> _Ended:
    """The simulated market or a tape, in process."""
    settings, market = market_of(request.market, request.settings, request.seed)
    with fresh_storage(request.data, settings, market.roster, request.show) as storage:
        request.show(_headline(request, settings))
        warming = _Warming(market, request.show)
        running = run_paced(
            market, settings, request.data, storage, request.console, warming, speed=request.speed, for_s=request.for_s
        )
    return _Ended(running.engine, running.interrupted)


def _live(request: _Request) -> _Ended:
    """Real prices, simulated fills. Nothing is shown before a venue has answered."""
    from paper.sessions.live_data import LiveSession  # here: the other markets need no network

    settings = require_tradable(request.settings)

    def begun(engine: Engine) -> None:
        del engine
        request.show(
            f"liqbot paper: live market, trading {labelled(settings.coins)} on {settings.trade_venue} "
            f"(simulated fills)\nvenues up: {', '.join(settings.venues)}"
        )

    session = LiveSession(settings, request.data, request.console, begun, for_s=request.for_s)
    running = asyncio.run(session.run())
    return _Ended(running.engine, running.interrupted)


def _wired(request: _Request) -> _Ended:
    """The simulated market, served and listened to."""
    from paper.sessions.over_wire import run_wired, spoken_only  # here: the other markets need no server

    if request.market != "world":
        raise ExpectedError(
            f"--wire --market {request.market}: only the simulated market (world) is served", Exit.USAGE
        )
    settings, market = market_of(request.market, spoken_only(request.settings), request.seed)
    with fresh_storage(request.data, settings, market.roster, request.show) as storage:
        request.show(_headline(request, settings))
        request.show("over the wire: served on loopback, received and traded on through the venues' own protocols")
        wired = run_wired(
            market, settings, request.data, storage, request.console, speed=request.speed, for_s=request.for_s
        )
    return _Ended(wired.engine, wired.interrupted)


def _map_text(view: MarketView, engine: Engine) -> str:
    colour = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    width = screen_width() or 100
    lines = draw_map(
        reading_of(view, engine.market), colour=colour, rows=_MAP_ROWS, notes_max=_MAP_NOTES, width=min(width, 100)
    )
    return "\n" + "\n".join(lines)


def _headline(request: _Request, settings: Settings) -> str:
    where = f"simulated market, seed {request.seed}" if request.market == "world" else f"tape {request.market}"
    pace = f"{request.speed:g} market seconds per second" if request.speed else "as fast as it goes"
    venues = ", ".join(settings.venues)
    return (
        f"liqbot paper: {where}, {pace}\n"
        f"trading {labelled(settings.coins)} on {settings.trade_venue}, fills are simulated\n"
        f"venues up: {venues}"
    )


def _warmth(engine: Engine) -> str:
    shares = [share for view in engine.views for share in (view.warmth_long_pct, view.warmth_short_pct)]
    known = [share for share in shares if share == share]
    return f"  explains {min(known):.0f} % of open interest" if known else ""


def _finish(engine: Engine, console: ConsoleObserver, books: Books, directory: Path, *, as_json: bool) -> None:
    ledger = places.ledger_path(directory)
    if as_json:
        print(
            json.dumps(
                {
                    "ledger": str(ledger), "journal": str(places.journal_path(directory)),
                    "equity_usd": str(engine.account.equity_usd), "approved": console.approved,
                    "refused": console.refused, "fills": console.fills, "trades_closed": console.closed,
                }
            )
        )
        return
    print(
        f"\nequity {engine.account.equity_usd:,.2f} USD, {counted(console.fills, 'fill')}, "
        f"{counted(console.closed, 'trade')} closed, "
        f"{counted(console.approved, 'entry', 'entries')} approved, {console.refused} refused (all simulated)\n"
        f"database  {ledger}\n"
        f"journal   {places.journal_path(directory)}"
    )
    traded = (("trades",), ("explain", "t1")) if console.fills else (("decisions", "--by-code"),)
    for number, words in enumerate((*traded, ("report",), ("map",))):
        print(f"{'next' if not number else '':<8}  {books.command(*words)}")
