"""What a paper session can trade on: the simulated world, or a tape."""

from pathlib import Path

from liqbot.exits import Exit, ExpectedError
from liqbot.settings import Settings
from paper.params import PaperSection
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
    """The simulated market, and the settings with its venues and coins."""
    world = World(settings.section(PaperSection).world, seed)
    if settings.trade_venue not in world.roster.venues:
        known = ", ".join(world.roster.venues)
        raise ExpectedError(
            f"trade_venue: {settings.trade_venue!r} is not in the simulated market; one of {known}", Exit.CONFIG
        )
    traded = tuple(coin for coin in settings.coins if coin in world.roster.coins)
    if not traded:
        known = ", ".join(world.roster.coins)
        raise ExpectedError(f"coins: none of {', '.join(settings.coins)} is in the simulated market; it has {known}",
                            Exit.CONFIG)
    fits = fitted_to(settings, world.roster.venues, traded, settings.trade_venue)
    instruments = paper_instruments(settings.trade_venue, traded)
    return fits, SessionMarket(
        world.roster, instruments, world.backfill(), world.blocks(), world.history_start_ms, world.params.start_ms
    )
