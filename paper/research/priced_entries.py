"""What an entry would have earned, taken by itself: the whole house from the order to the exit, with an account of its
own in which nothing else happens and no limit refuses."""

from typing import Any, NamedTuple

import msgspec

from liqbot.blocks import EventBlock
from liqbot.instruments import Side
from liqbot.settings import Settings
from liqbot.signals.strategy import Exits
from paper.backtest.planned_trips import PlannedTrips, TripLine
from paper.research.followers import LeadingMarket, follower
from paper.research.scripted import Script, scripted_settings
from paper.sessions.assembly import exchange_of
from paper.sessions.tape_settings import contracts_of
from paper.tapes.reader import Tape

EntryKey = tuple[str, str, Side]
"""Label, coin, side."""


class Entry(NamedTuple):
    """To be priced: at market, at the Tick it is given at."""

    label: str
    """What it is an example of."""
    strategy: str
    coin: str
    side: Side
    exits: Exits | None = None
    """None: as the strategy's own rules say at that Tick."""

    @property
    def key(self) -> EntryKey:
        return self.label, self.coin, self.side


class PricedEntry(msgspec.Struct, frozen=True):
    """`trip` is None for one that could not be entered all the same (no size, an exit that is no number), and is open
    for one that the tape ended."""

    label: str
    strategy: str
    trip: TripLine | None


class EntryPricer:
    """Stepped after the market it follows, with the same block: entries given before that step are made at its Tick."""

    def __init__(self, settings: Settings, tape: Tape, lead: LeadingMarket) -> None:
        """`settings` fit the tape."""
        self._settings, self._tape, self._lead = settings, tape, lead
        self._under_way: list[_Cell] = []
        self._hearing = exchange_of(settings, tape.roster, contracts_of(settings, tape))
        """Nobody trades on it: what it has heard of prices and funding rates, those that come late must know."""
        self.priced: list[PricedEntry] = []
        self.hopeless: set[EntryKey] = set()
        """Of entries that could not be made: to be asked again only when something has changed. Whoever gives entries
        clears it."""

    def enter(self, entry: Entry) -> None:
        heard = self._hearing.state()
        self._under_way.append(_Cell(entry, self._settings, self._tape, self._lead, heard))

    @property
    def busy(self) -> frozenset[EntryKey]:
        """Of the entries under way."""
        return frozenset(cell.entry.key for cell in self._under_way)

    def step(self, block: EventBlock) -> None:
        for cell in self._under_way:
            cell.step(block)
        self._hearing.advance(block, lambda _facts, _time_ms: ())
        for cell in self._under_way:
            if cell.over:
                self.priced.append(cell.outcome)
                if cell.outcome.trip is None:
                    self.hopeless.add(cell.entry.key)
        self._under_way = [cell for cell in self._under_way if not cell.over]

    def finish(self) -> tuple[PricedEntry, ...]:
        """All of them, those that are open when the tape ends as they stand."""
        return (*self.priced, *(cell.outcome for cell in self._under_way))


class _Cell:
    """One entry and its house."""

    def __init__(
        self, entry: Entry, settings: Settings, tape: Tape, lead: LeadingMarket, heard: dict[str, Any]
    ) -> None:
        strategy = settings.signals.named(entry.strategy)
        if strategy is None:
            raise KeyError(f"{entry.strategy}: no such strategy")
        self.entry, self._trips, self._script = entry, PlannedTrips(), Script()
        self._script.order(entry.coin, entry.side, entry.exits)
        told = scripted_settings(settings, strategy, self._script)
        self._loop = follower(told, tape, lead, self._trips, heard=heard)

    def step(self, block: EventBlock) -> None:
        self._loop.step(block)
        self._script.clear()

    @property
    def over(self) -> bool:
        """Nothing is held, and nothing may still be."""
        engine = self._loop.engine
        return not (engine.account.positions or engine.order_manager.entries_in_flight())

    @property
    def outcome(self) -> PricedEntry:
        trips = (*self._trips.closed, *self._loop.engine.account.books.open_trips())
        return PricedEntry(self.entry.label, self.entry.strategy, self._trips.line(trips[0]) if trips else None)
