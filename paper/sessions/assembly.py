"""The simulated parts of a house: its exchange, its contracts, and what it must know first."""

import random
import string
from collections.abc import Sequence

from liqbot.blocks import Roster
from liqbot.engine import Engine
from liqbot.events import Event
from liqbot.instruments import Instrument
from liqbot.runtime import assembly
from liqbot.settings import Settings
from liqbot.venues.registry import mechanics_of
from paper.exchange import PaperExchange
from paper.params import PaperSection
from paper.sessions.listings import paper_instruments


def instruments_of(settings: Settings, roster: Roster) -> tuple[Instrument, ...]:
    """The traded contract of each configured coin that this market has."""
    coins = [coin for coin in settings.coins if coin in roster.coins]
    return paper_instruments(settings.trade_venue, coins, settings.section(PaperSection).world.start_prices)


def engine_of(
    settings: Settings, roster: Roster, journal_id: str, instruments: Sequence[Instrument] | None = None
) -> Engine:
    """The house itself: the same for backtest, paper and the replay of their journals."""
    return assembly.engine_of(settings, roster, journal_id, instruments or instruments_of(settings, roster))


def exchange_of(
    settings: Settings, roster: Roster, instruments: Sequence[Instrument] | None = None
) -> PaperExchange:
    """The simulated exchange it trades on."""
    listed = instruments or instruments_of(settings, roster)
    mechanics = {(one.venue, one.coin): mechanics_of(one.venue, one.coin) for one in listed}
    return PaperExchange(settings.section(PaperSection).exchange, listed, mechanics, roster)


def opening_facts(
    settings: Settings,
    roster: Roster,
    exchange: PaperExchange,
    *,
    journal_id: str,
    time_ms: int,
    instruments: Sequence[Instrument] | None = None,
    mode: str | None = None,
) -> tuple[Event, ...]:
    """Who we are, which code and configuration runs, then what the exchange says about us. `mode` where it is none of
    the configuration's."""
    listed = instruments or instruments_of(settings, roster)
    facts = assembly.opening_facts(settings, roster, journal_id, listed, time_ms, mode=mode or "")
    return *facts, *exchange.facts_at_start(time_ms)


def seeded_journal_id(seed: int) -> str:
    """An id for a run that keeps no journal: the same seed, the same client order ids."""
    alphabet = string.ascii_lowercase + string.digits
    return "".join(random.Random(seed).choices(alphabet, k=6))  # noqa: S311 - not a secret
