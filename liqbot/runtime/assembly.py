"""Where every house is put together: live, record, paper, wire, backtest and simulate differ in the parts they give.

Also how an engine is built from a configuration, and which facts open a journal so that a replay builds the same one.
"""

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Generic, NamedTuple, TypeVar

import msgspec

from liqbot import __version__
from liqbot.blocks import Roster
from liqbot.code_version import state_version, this_code
from liqbot.engine import Engine
from liqbot.events import ConfigLoaded, Event, JournalOpened
from liqbot.instruments import Instrument
from liqbot.journal import Journal
from liqbot.ledger.later import FedLedger
from liqbot.observers.observer import Observer, ObserverGroup, OnStep
from liqbot.observers.registry import ObserverContext, observers_for
from liqbot.runtime.compiled_kernels import use_compiled
from liqbot.settings import Settings, config_json, restored
from liqbot.signals.strategy import Strategy

LoopT = TypeVar("LoopT")
LEFT_OUT: Final = "left out: it did not return the last time; liqbot resume and a restart take it back"


def snapshot_version() -> str:
    """Snapshots of another version are passed over: the journal is run again instead. It follows from the source, and
    is not read before a snapshot is."""
    return f"{__version__} state {state_version()}"


class Parts(NamedTuple, Generic[LoopT]):
    """What a house is put together from."""

    settings: Settings
    roster: Roster
    instruments: Sequence[Instrument]
    """The traded contract of each coin."""
    journal_id: str
    """Client order ids derive from it, also where no journal is kept."""
    loop: Callable[[Engine, Sequence[OnStep]], LoopT]
    """Binds the engine to its journal and to where commands go (broker, simulated exchange, nowhere); calls the
    observers after every step."""
    engine: Engine | None = None
    """As recovery left it; None: a new one."""
    mode: str = ""
    """What the journal calls this run, where that is not the configuration's mode."""
    in_haste: bool = False
    """A position may be open: the compiled fold is loaded later, by whoever has the time."""
    test_market: bool = False
    """Orders rest in a market of a venue's test access, whose mark the account's edge publishes."""
    journal: Journal | None = None
    ledger: FedLedger | None = None
    ledger_wait_s: float = 0.0
    """How long the market may be held up for a ledger that is behind; 0 where the market does not wait."""
    data: Path | None = None
    """State directory."""
    source: str = "inbox"
    """What journal and ledger call the place that the facts come from."""
    console: Observer | None = None
    """Shows a person what happens."""
    enabled: tuple[str, ...] | None = None
    """Observers by name; None: those of the configuration."""
    without: tuple[str, ...] = ()
    """Observers that are enabled and are not made all the same: they hung the last time."""
    checks: Sequence[OnStep] = ()
    """Called before the observers and not guarded like them: an error in one (a broken law) ends the run."""
    account_facts: Sequence[Event] = ()
    """What a simulated exchange reports of the account at the start (a real one is read by the account's edge), or
    what was found before money is traded."""


class House(NamedTuple, Generic[LoopT]):
    """A house that stands and has seen nothing yet: `opening` is what its loop must be given first."""

    engine: Engine
    loop: LoopT
    observers: ObserverGroup
    opening: tuple[Event, ...]


def assembled(parts: Parts[LoopT], time_ms: int) -> House[LoopT]:
    """ExpectedError (configuration) for an observer that is unknown or cannot be made, ValueError as `engine_of`."""
    if not parts.in_haste:
        use_compiled()
    settings, roster, listed = parts.settings, parts.roster, parts.instruments
    engine = parts.engine or engine_of(settings, roster, parts.journal_id, listed)
    opening = opening_facts(
        settings, roster, parts.journal_id, listed, time_ms, mode=parts.mode or settings.mode,
        test_market=parts.test_market,
    )
    left_out = dict.fromkeys(parts.without, LEFT_OUT)
    observers = ObserverGroup(
        observers_for(_context(parts)), call_ms_max=settings.observers.call_ms_max, left_out=left_out
    )
    observers.start(engine)
    loop = parts.loop(engine, (*parts.checks, observers.on_step))
    return House(engine, loop, observers, (*opening, *parts.account_facts))


def _context(parts: Parts[LoopT]) -> ObserverContext:
    settings = parts.settings
    if parts.enabled is not None or parts.without:
        named = settings.observers.enabled if parts.enabled is None else parts.enabled
        working = tuple(name for name in named if name not in parts.without)
        enabled = settings.observers.model_copy(update={"enabled": working})
        settings = settings.model_copy(update={"observers": enabled})
    return ObserverContext(
        settings, parts.data, parts.journal, parts.ledger, parts.ledger_wait_s, parts.console, parts.source,
        "" if parts.journal is None or parts.enabled == () else snapshot_version(),
    )


def engine_of(settings: Settings, roster: Roster, journal_id: str, instruments: Sequence[Instrument]) -> Engine:
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
        account=next(iter(settings.accounts), ""),
    )


def opening_facts(
    settings: Settings, roster: Roster, journal_id: str, instruments: Sequence[Instrument], time_ms: int, *,
    mode: str = "", test_market: bool = False,
) -> tuple[Event, ...]:
    """What every start writes first: who we are, with which code, configuration and contracts. `mode` where it is not
    the configuration's."""
    text = config_json(settings)
    listed = tuple(instruments)
    return (
        JournalOpened(
            time_ms=time_ms, journal_id=journal_id, mode=mode or settings.mode, venues=roster.venues,
            coins=roster.coins, test_market=test_market,
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
