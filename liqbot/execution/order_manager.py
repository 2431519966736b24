"""`OrderManager`: execution as the engine sees it. It keeps a book per instrument, and turns targets into commands."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any, Final

import msgspec

from liqbot import events
from liqbot.accounting.positions import Position
from liqbot.commands import CancelOrder, Command, PlaceOrder, Purpose, QueryOrder
from liqbot.events import Event
from liqbot.execution import client_order_id
from liqbot.execution.instrument_orders import InstrumentOrders
from liqbot.execution.naked_time import NakedRecord, PositionNaked
from liqbot.execution.order_lifecycle import OrderFact
from liqbot.execution.params import ExecutionParams
from liqbot.execution.plan import plan
from liqbot.instruments import Instrument, Side
from liqbot.risk.account import ACCOUNT_FEED, CLOCK_FEED
from liqbot.risk.decision import Approved
from liqbot.risk.translation import MarkTranslation, VenueTarget
from liqbot.venues.registry import protection_of

FOREIGN_ORDERS_KEPT: Final = 100
GAPS_KEPT: Final = 32


class OrderManager:
    """Pure: the same facts, approvals and questions give the same commands, with the same client order ids."""

    def __init__(
        self, instruments: Iterable[Instrument], params: ExecutionParams, journal_id: str, account: str = ""
    ) -> None:
        self._params = params
        self._journal_id = client_order_id.checked_journal_id(journal_id)
        self._books = {
            (instrument.venue, instrument.coin): InstrumentOrders(
                instrument, account=account, rides=protection_of(instrument.venue).attached,
                lost_stop_ms=protection_of(instrument.venue).lost_stop_ms,
            )
            for instrument in instruments
        }
        self.naked = NakedRecord()
        """For how long each position of this journal was open without a full stop."""
        self._no_longer_naked: list[PositionNaked] = []
        self._unheard: set[tuple[str, str]] = set()
        """Instruments that were planned to the end and of which nothing has been reported since."""
        self.journals: set[str] = {self._journal_id}
        """Those that count as ours: this one under all its names, and what was adopted."""
        self.adopted: set[str] = set()
        """Journals of others, taken over by a person: what is left of their orders goes."""
        self._sequence = 0
        self._gaps: list[tuple[int, int]] = []
        """(last recorded, first that was not left out), newest last, bounded."""
        self.foreign_orders: list[str] = []
        """Client ids of others' orders on our instruments, newest last, bounded."""
        self.foreign_orders_seen = 0

    def begin_block(self) -> None:
        """What follows belongs to a new block: `no_longer_naked` is said of what ends with it."""
        self._no_longer_naked.clear()

    @property
    def no_longer_naked(self) -> tuple[PositionNaked, ...]:
        """Positions whose time without a full stop ended with this block."""
        return tuple(self._no_longer_naked)

    @property
    def at_work(self) -> bool:
        """Whether any order of ours may still fill."""
        return any(book.live() for book in self._books.values())

    def naked_ms(self, now_ms: int) -> int:
        """Of the position that is naked for longest right now; 0 when none is."""
        since = [book.naked.since_ms for book in self._books.values() if book.naked.since_ms]
        return max(0, now_ms - min(since)) if since else 0

    def adopt(self, approved: Approved) -> None:
        """What risk approved becomes the target, in prices of the trading market at the ratio that it was decided by:
        the one place where prices of the map become those of orders. TypeError for anything else, KeyError for an
        instrument not traded."""
        if not isinstance(approved, Approved):
            raise TypeError(f"the order manager adopts Approved, not {type(approved).__name__}")
        target = approved.target
        book = self._book(target.venue, target.coin)
        book.adopt(MarkTranslation(book.instrument.price_tick, target.mark_ratio).target_at_venue(target))
        self._unheard.discard((target.venue, target.coin))

    def on_fact(self, fact: Event) -> None:
        """Facts about our instruments and orders; everything else is ignored."""
        if isinstance(fact, events.AccountFact):
            self._unheard.discard((fact.venue, fact.coin))
        if isinstance(fact, OrderFact):
            self._on_order_fact(fact)
        elif isinstance(fact, events.AccountFact):
            book = self._books.get((fact.venue, fact.coin))
            if book is None:
                return
            if isinstance(fact, events.Reconciled):
                book.mark_unknown(fact.time_ms, fact.time_ms - self._params.unknown_ms)
            else:
                book.on_fact(fact)
        elif isinstance(fact, events.JournalAdopted):
            self._inherit(fact.journal_id)
        elif isinstance(fact, events.JournalRepaired):
            self._leap(fact.time_ms)
        elif isinstance(fact, events.Halt | events.Flatten | events.JournalOpened) or _account_is_dark(fact):
            if isinstance(fact, events.JournalOpened):
                self.journals.add(fact.journal_id)
            if isinstance(fact, events.JournalOpened) and self._sequence:
                self._leap(fact.time_ms)
            self._unheard.clear()
            for book in self._books.values():
                book.on_fact(fact)

    def _on_order_fact(self, fact: OrderFact) -> None:
        book = self._books.get((fact.venue, fact.coin))
        if book is None or book.on_order_fact(fact):
            return
        sequence = client_order_id.sequence_of(fact.client_id, self._journal_id)
        unrecorded = sequence is not None and any(last < sequence < first for last, first in self._gaps)
        if unrecorded or client_order_id.journal_of(fact.client_id) in self.adopted:
            book.meet(fact, orphaned=True)
            return
        forgotten = sequence is not None and sequence <= self._sequence
        if not forgotten:
            book.meet(fact)
        if not forgotten and fact.client_id not in self.foreign_orders:
            self.foreign_orders_seen += 1
            self.foreign_orders = [*self.foreign_orders[1 - FOREIGN_ORDERS_KEPT :], fact.client_id]

    def _inherit(self, journal_id: str) -> None:
        self.journals.add(journal_id)
        self.adopted.add(journal_id)
        self._unheard.clear()
        for book in self._books.values():
            book.inherit([one for one in book.external if client_order_id.journal_of(one) == journal_id])

    def _leap(self, time_ms: int) -> None:
        """A process that takes up a journal counts on from the time of its start, beyond all ids that another one may
        have used unrecorded: while a journal cannot be written stops and exits leave all the same. After a repair they
        may even be all that were ever used."""
        first = max(self._sequence, time_ms) + 1
        self._gaps = [*self._gaps[1 - GAPS_KEPT :], (self._sequence, first)]
        self._sequence = first

    def target(self, venue: str, coin: str) -> VenueTarget | None:
        """The target of the trade that is on or about to begin; None when there is none."""
        return self._book(venue, coin).target

    def entry_in_flight(self, venue: str, coin: str) -> bool:
        """An entry is about to be sent, resting, or of unknown fate."""
        book = self._book(venue, coin)
        return book.pending() or bool(book.live(Purpose.ENTRY))

    def entries_in_flight(self) -> tuple[VenueTarget, ...]:
        """The targets of all instruments whose entry is about to be sent, resting, or of unknown fate."""
        return tuple(
            book.target
            for book in self._books.values()
            if book.target is not None and (book.pending() or book.live(Purpose.ENTRY))
        )

    def cancel_entry(self) -> None:
        """No entry any more, on any instrument: unsent ones are used up, resting ones are cancelled."""
        self._unheard.clear()
        for book in self._books.values():
            book.cancel_entry()

    def withdraw_entry(self, target: VenueTarget) -> None:
        """The same of one instrument: what its entry was approved by holds no more."""
        self._unheard.discard((target.venue, target.coin))
        self._book(target.venue, target.coin).cancel_entry()

    def foreign_resting(self, venue: str, coin: str) -> int:
        """How many orders of others rest on the instrument, as last read or reported."""
        return len(self._book(venue, coin).external)

    def resting_stops(self, positions: Iterable[Position]) -> dict[str, tuple[str, ...]]:
        """For each coin with an open position the client ids of the confirmed stops that protect it."""
        found: dict[str, tuple[str, ...]] = {}
        for position in positions:
            book = self._books.get((position.venue, position.coin))
            if book is not None:
                found[position.coin] = tuple(
                    order.client_id for order in book.live(Purpose.STOP)
                    if order.confirmed and order.side is position.side
                )
        return found

    def closing(self, venue: str, coin: str) -> str:
        """Why execution itself closes the position (no stop could be had, flatten); empty otherwise."""
        return self._book(venue, coin).closing

    @property
    def books(self) -> tuple[InstrumentOrders, ...]:
        """Of all instruments; not to be changed."""
        return tuple(self._books.values())

    def book(self, venue: str, coin: str) -> InstrumentOrders:
        """What is known of one instrument, for views and checks; not to be changed."""
        return self._book(venue, coin)

    def commands(
        self, now_ms: int, positions: Iterable[Position], sent: Sequence[Command] | None = None
    ) -> tuple[Command, ...]:
        """What is missing now. The answer counts as sent: the same question at once gives nothing. `sent`: what left
        at this instant the first time, instead of what would be planned for it now."""
        held = {(position.venue, position.coin): position for position in positions}
        leaving: list[Command] = []
        for key, book in self._books.items():
            position = held.get(key)
            recorded = [one for one in sent or () if (one.venue, one.coin) == key]
            quiet = (book.idle and position is None) or (key in self._unheard and book.steady(now_ms, position))
            if quiet and not recorded:
                continue
            self._observe(book, position, now_ms)
            planned = sent is None
            commands = plan(book, position, now_ms, self._params, self.mint) if planned else recorded
            for command in commands:
                (book.register if planned else partial(self._register_sent, book))(command, now_ms)
            leaving += commands
            (self._unheard.discard if commands else self._unheard.add)(key)
        return tuple(leaving)

    def _register_sent(self, book: InstrumentOrders, command: Command, now_ms: int) -> None:
        if isinstance(command, PlaceOrder):
            used = client_order_id.sequence_of(command.client_id, self._journal_id)
            self._sequence = max(self._sequence, used or 0)
        elif isinstance(command, CancelOrder | QueryOrder) and not book.knows(command.client_id):
            return  # an order that this version of the books has let go already
        book.register(command, now_ms)

    def _observe(self, book: InstrumentOrders, position: Position | None, now_ms: int) -> None:
        before_ms, side = book.naked.total_ms, Side.LONG if book.seen_base > 0 else Side.SHORT
        ended_ms = book.observe(position, now_ms, self._params)
        if ended_ms is not None:
            self.naked.add(ended_ms)
        elif position is not None:
            side = position.side
        naked_ms = book.naked.total_ms if ended_ms is None else ended_ms
        if naked_ms > before_ms:
            venue, coin = book.instrument.venue, book.instrument.coin
            self._no_longer_naked.append(PositionNaked(venue, coin, book.account, side, naked_ms))

    def mint(self, purpose: Purpose) -> str:
        """The next client order id; used once, whatever becomes of the order."""
        self._sequence += 1
        return client_order_id.client_id(self._journal_id, self._sequence, purpose)

    def _book(self, venue: str, coin: str) -> InstrumentOrders:
        try:
            return self._books[venue, coin]
        except KeyError:
            known = ", ".join(f"{venue} {coin}" for venue, coin in self._books)
            raise KeyError(f"{venue} {coin} is not traded here; traded: {known}") from None

    def state(self) -> dict[str, Any]:
        """Everything, as builtins that msgpack can carry."""
        books = list(self._books.values())
        return {
            "journal_id": self._journal_id,
            "journals": sorted(self.journals),
            "adopted": sorted(self.adopted),
            "sequence": self._sequence,
            "gaps": [list(gap) for gap in self._gaps],
            "foreign_orders": list(self.foreign_orders),
            "foreign_orders_seen": self.foreign_orders_seen,
            "books": msgspec.to_builtins(books),
            "naked": msgspec.to_builtins(self.naked),
        }

    def load_state(self, state: dict[str, Any]) -> None:
        """Inverse of `state`. ValueError when it belongs to another journal or to other instruments."""
        books = msgspec.convert(state["books"], list[InstrumentOrders])
        loaded = {(book.instrument.venue, book.instrument.coin): book for book in books}
        if state["journal_id"] != self._journal_id or list(loaded) != list(self._books):
            raise ValueError(
                f"state of the order manager: of journal {state['journal_id']} for {sorted(loaded)}; "
                f"this order manager is {self._journal_id} for {sorted(self._books)}"
            )
        for key, book in loaded.items():
            # Units come from configuration: a venue may have changed them since.
            configured = self._books[key]
            book.instrument, book.rides = configured.instrument, configured.rides
            book.lost_stop_ms = configured.lost_stop_ms
        self._books = loaded
        self.naked = msgspec.convert(state.get("naked", {}), NakedRecord)
        self._unheard.clear()
        self.journals, self.adopted = {self._journal_id, *state["journals"]}, set(state["adopted"])
        self._sequence = state["sequence"]
        self._gaps = [(last, first) for last, first in state["gaps"]]
        self.foreign_orders = list(state["foreign_orders"])
        self.foreign_orders_seen = state["foreign_orders_seen"]


def _account_is_dark(fact: Event) -> bool:
    """News about orders and positions have stopped coming."""
    return isinstance(fact, events.FeedDown) and fact.feed in (ACCOUNT_FEED, CLOCK_FEED)
