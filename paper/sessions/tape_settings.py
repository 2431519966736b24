"""Fits a configuration to a market that is not watched live: its venues and coins, where trades happen, the contracts
traded there, and which venues nothing is entered without."""

from collections.abc import Sequence
from typing import Final

from liqbot.instruments import AGGREGATE, Instrument, split_venue_key
from liqbot.settings import Settings
from liqbot.settings.tradable import require_tradable
from liqbot.venues.registry import mechanics_of
from paper.sessions.listings import listed_or_assumed
from paper.tapes.format import TapeError
from paper.tapes.reader import Tape


def fitted(settings: Settings, tape: Tape) -> Settings:
    """The settings with venues and coins as the tape has them. Trades happen on `trade_venue` where the tape has linear
    contracts traded there, else on the venue where most of these was traded; only coins with such trades are traded.
    TapeError for a tape without, ExpectedError (configuration) for coins that are not allowed."""
    trades = [held for held in tape.holdings if held.kind == "trades" and held.venue != AGGREGATE]
    if not trades:
        raise TapeError(f"{tape.path}: has no trades of any venue, nothing could be filled")
    linear = [held for held in trades if not mechanics_of(held.venue, held.coin).inverse]
    if not linear:
        books = ", ".join(sorted({held.venue for held in trades}))
        raise TapeError(
            f"{tape.path}: has trades of inverse contracts alone ({books}); fills are simulated of linear ones, and a "
            "tape that has such a venue beside them can be traded on"
        )
    volume_usd: dict[str, float] = {}
    for held in linear:
        volume_usd[held.venue] = volume_usd.get(held.venue, 0.0) + held.total_usd
    chosen = settings.trade_venue
    if chosen not in volume_usd:
        chosen = max(sorted(volume_usd), key=lambda venue: volume_usd[venue])
    traded = {held.coin for held in linear if held.venue == chosen}
    priced = {split_venue_key(held.venue)[0] for held in tape.holdings if held.kind in _PRICES}
    core = tuple(venue for venue in settings.risk.core_venues if venue in priced)
    venues = tuple(venue for venue in tape.roster.venues if venue != AGGREGATE)
    fits = fitted_to(settings, venues, tuple(coin for coin in tape.roster.coins if coin in traded), chosen)
    return fits.model_copy(update={"risk": fits.risk.model_copy(update={"core_venues": core})})


_PRICES: Final = ("trades", "mark")
"""A venue of which neither was recorded cannot fall silent: nothing is entered without it only where it was heard."""


def fitted_to(settings: Settings, venues: Sequence[str], coins: Sequence[str], trade_venue: str) -> Settings:
    """The settings with these venues and coins. ExpectedError (configuration) for coins that are not allowed."""
    changed = {"venues": tuple(venues), "coins": tuple(coins), "trade_venue": trade_venue}
    return require_tradable(settings.model_copy(update=changed))


def contracts_of(settings: Settings, tape: Tape) -> tuple[Instrument, ...]:
    """The tape's own contracts where its header has them, else those the paper exchange lists, else assumed ones."""
    recorded = {(one.venue, one.coin): one for one in tape.header.instruments if not one.inverse}
    venue = settings.trade_venue
    price = {held.coin: held.first_price for held in tape.holdings if held.kind == "trades" and held.venue == venue}
    return tuple(
        recorded.get((venue, coin)) or listed_or_assumed(venue, coin, price.get(coin)) for coin in settings.coins
    )
