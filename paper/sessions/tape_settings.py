"""Fits a configuration to a tape: its venues and coins, where trades happen, and the contracts traded there."""

from liqbot.instruments import AGGREGATE, Instrument
from liqbot.settings import Settings
from paper.sessions.listings import listed_or_assumed
from paper.tapes.format import TapeError
from paper.tapes.reader import Tape


def fitted(settings: Settings, tape: Tape) -> Settings:
    """The settings with venues and coins as the tape has them. Trades happen on `trade_venue` where the tape has trades
    of it, else on the venue with the largest volume; only coins with trades there are traded."""
    volume_usd: dict[str, float] = {}
    for held in tape.holdings:
        if held.kind == "trades" and held.venue != AGGREGATE:
            volume_usd[held.venue] = volume_usd.get(held.venue, 0.0) + held.total_usd
    if not volume_usd:
        raise TapeError(f"{tape.path}: has no trades of any venue, nothing could be filled")
    chosen = settings.trade_venue
    if chosen not in volume_usd:
        chosen = max(sorted(volume_usd), key=lambda venue: volume_usd[venue])
    traded = {held.coin for held in tape.holdings if held.kind == "trades" and held.venue == chosen}
    return settings.model_copy(
        update={
            "venues": tuple(venue for venue in tape.roster.venues if venue != AGGREGATE),
            "coins": tuple(coin for coin in tape.roster.coins if coin in traded),
            "trade_venue": chosen,
        }
    )


def contracts_of(settings: Settings, tape: Tape) -> tuple[Instrument, ...]:
    """The tape's own contracts where its header has them, else those the paper exchange lists, else assumed ones."""
    recorded = {(one.venue, one.coin): one for one in tape.header.instruments if not one.inverse}
    venue = settings.trade_venue
    return tuple(recorded.get((venue, coin)) or listed_or_assumed(venue, coin) for coin in settings.coins)
