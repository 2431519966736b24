"""What a paper session can trade on: the simulated world, or a tape."""

from pathlib import Path

from liqbot.exits import Exit, ExpectedError
from liqbot.settings import Settings
from paper.params import PaperSection, with_section
from paper.sessions.listings import paper_instruments
from paper.sessions.session import SessionMarket
from paper.sessions.tape_settings import contracts_of, fitted, fitted_to
from paper.tapes.reader import read_tape
from paper.world import World


def market_of(name: str, settings: Settings, seed: int) -> tuple[Settings, SessionMarket]:
    """`world`, or the path of a tape; the settings come back with the venues and coins that this market has."""
    if name == "world":
        return world_market(settings, seed)
    return tape_market(settings, Path(name))


def tape_market(settings: Settings, path: Path) -> tuple[Settings, SessionMarket]:
    """A recorded market. TapeError when the file is no tape."""
    tape = read_tape(path)
    fits = fitted(settings, tape)
    instruments = contracts_of(fits, tape)
    return fits, SessionMarket(tape.roster, instruments, (), tape.blocks(), tape.first_ms, tape.first_ms)


def world_market(settings: Settings, seed: int) -> tuple[Settings, SessionMarket]:
    """The simulated market, and the settings with its venues and coins. ExpectedError when it lacks a coin."""
    section = settings.section(PaperSection)
    params = section.world.with_coins(settings.coins)
    settings = with_section(settings, section.model_copy(update={"world": params}))
    world = World(params, seed)
    if settings.trade_venue not in world.roster.venues:
        known = ", ".join(world.roster.venues)
        raise ExpectedError(
            f"trade_venue: {settings.trade_venue!r} is not in the simulated market; one of {known}", Exit.CONFIG
        )
    if absent := [coin for coin in settings.coins if coin not in world.roster.coins]:
        raise ExpectedError(
            f"coins: {', '.join(absent)} is not in the simulated market; it has {', '.join(world.roster.coins)}, and "
            "whatever paper.world.coins describes", Exit.CONFIG,
        )
    fits = fitted_to(settings, world.roster.venues, settings.coins, settings.trade_venue)
    instruments = paper_instruments(settings.trade_venue, settings.coins, params.start_prices)
    return fits, SessionMarket(
        world.roster, instruments, world.backfill(), world.blocks(), world.history_start_ms, world.params.start_ms
    )
