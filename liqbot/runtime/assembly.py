"""How an engine is built from a configuration, and which facts open a journal so that a replay builds the same one."""

import hashlib
from collections.abc import Sequence
from typing import Final

import msgspec

from liqbot import __version__
from liqbot.blocks import Roster
from liqbot.code_version import state_version, this_code
from liqbot.engine import Engine
from liqbot.events import ConfigLoaded, Event, JournalOpened
from liqbot.instruments import Instrument
from liqbot.settings import Settings, config_json, restored
from liqbot.signals.failures import CallMeter, unmeasured
from liqbot.signals.strategy import Strategy

SNAPSHOT_VERSION: Final = f"{__version__} state {state_version()}"
"""Snapshots of another version are passed over: the journal is run again instead. It follows from the source."""


def engine_of(
    settings: Settings,
    roster: Roster,
    journal_id: str,
    instruments: Sequence[Instrument],
    call_meter: CallMeter = unmeasured,
) -> Engine:
    """ValueError when an instrument is not on `settings.trade_venue`, inverse, or listed twice for a coin."""
    by_coin = {instrument.coin: instrument for instrument in instruments}
    if len(by_coin) != len(instruments):
        raise ValueError("instruments: one traded contract per coin, some coin has two")
    for instrument in instruments:
        if instrument.venue != settings.trade_venue:
            raise ValueError(f"{instrument.symbol}: on {instrument.venue}, but trade_venue is {settings.trade_venue}")
        if instrument.inverse:
            raise ValueError(f"{instrument.symbol}: inverse contracts are mapped, never traded")
    return Engine(
        roster=roster,
        journal_id=journal_id,
        instruments=by_coin,
        trade_venue=settings.trade_venue,
        market=settings.market,
        signals=settings.signals,
        limits=settings.risk,
        execution=settings.execution,
        call_meter=call_meter,
    )


def opening_facts(
    settings: Settings, roster: Roster, journal_id: str, instruments: Sequence[Instrument], time_ms: int
) -> tuple[Event, ...]:
    """What every start writes first: who we are, with which code, configuration and contracts."""
    text = config_json(settings)
    listed = tuple(instruments)
    return (
        JournalOpened(
            time_ms=time_ms, journal_id=journal_id, mode=settings.mode, venues=roster.venues, coins=roster.coins
        ),
        this_code(__version__, time_ms, tuple((one.name, one.sha256) for one in settings.signals.own)),
        ConfigLoaded(time_ms=time_ms, config_json=text, digest=_digest(text, listed), instruments=listed),
    )


def recorded_engine(opened: JournalOpened, config: ConfigLoaded, own: tuple[Strategy, ...] = ()) -> Engine:
    """The engine that a journal was written with: what replay and recovery start from. Of the strategies of the user's
    own that it had, those in `own` are there again."""
    roster = Roster(opened.venues, opened.coins)
    return engine_of(restored(config.config_json, own), roster, opened.journal_id, config.instruments)


def _digest(text: str, instruments: tuple[Instrument, ...]) -> str:
    return hashlib.sha256(text.encode() + msgspec.json.encode(instruments)).hexdigest()
