"""`InstrumentOrders`: what execution knows about one instrument: the target, the orders, the leverage, and how exposed
we are."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Final

import msgspec

from liqbot import events
from liqbot.accounting.positions import Position
from liqbot.commands import CancelOrder, Command, PlaceOrder, Purpose, QueryOrder, SetLeverage
from liqbot.events import Event
from liqbot.execution.naked_time import NakedClock
from liqbot.execution.order_lifecycle import Order, OrderEvent, OrderFact, after_entry, after_event, after_fact
from liqbot.execution.params import ExecutionParams
from liqbot.instruments import Instrument, Side
from liqbot.risk.account import CLOCK_FEED, UNREAD_MS_MAX
from liqbot.risk.translation import VenueTarget
from liqbot.venues.entry_stops import AttachedStop, attached_order

ENDED_ORDERS_KEPT: Final = 64
FAILURES_KEPT: Final = 16
UNCOVERED_KEPT: Final = 64
EXTERNAL_KEPT: Final = 100


class Failure(msgspec.Struct, frozen=True):
    """An order of this purpose ended, unasked, before it did anything."""

    time_ms: int
    purpose: Purpose


class UnprotectedSize(msgspec.Struct, frozen=True):
    """Since when this much has been open without a confirmed stop, by the clock of whoever filled it."""

    since_ms: int
    quantity_base: Decimal


class InstrumentOrders(msgspec.Struct):
    """Mutable; changed by facts, by commands that were handed out, and by looking at the position (`observe`)."""

    instrument: Instrument
    target: VenueTarget | None = None
    past: VenueTarget | None = None
    """The target of the last finished trade: a late fill of an entry brings it back, to be closed under its stop."""
    entered: int = 0
    """Highest decision id whose one entry is used up: sent, withdrawn, or overtaken by an open position."""
    orders: list[Order] = []
    leverage: events.LeverageConfirmed | None = None
    leverage_sent_ms: int = 0
    leverage_attempts: int = 0
    seen_base: Decimal = Decimal(0)
    """The position when last looked at, signed; long is positive."""
    own_base: Decimal = Decimal(0)
    """Signed sum of our own fills since last flat; long is positive."""
    withdrawn: bool = False
    """What rests of an entry must go: the trade is ending (a stop, take or exit has filled), or the house halted."""
    closing: str = ""
    """Why the position must go, whatever the target says; empty when it need not. Holds until all is over."""
    exposure: UnprotectedSize | None = None
    """What has been uncovered for longest."""
    uncovered: list[UnprotectedSize] = []
    """Sizes that entries have brought the position to and that no stop has covered yet, oldest first."""
    reduced_ms: int = 0
    """Of the last fill that made the position smaller."""
    naked: NakedClock = msgspec.field(default_factory=NakedClock)
    leaving_ms: int = 0
    """Since when what must go at market has waited for takes to be gone; 0 while nothing waits for them."""
    failures: list[Failure] = []
    external: dict[str, int] = {}
    """Others' orders that rest here, by client id, with when the venue last named them."""
    orphaned: dict[str, int] = {}
    """Those of them that an earlier process of ours left behind unrecorded, with when we last sent their cancel."""
    unread_until_ms: int = 0
    """Time was lost: until the account has been read again, and at the longest until then, what is known is not judged.
    0 when there is nothing to wait for."""
    present_ms: int = 0
    """Since when we can do anything about a missing stop: a process started, or the account was read after time was
    lost. What went before counts as naked time, but is no reason to leave a position that can be protected now."""
    deaf_ms: int = 0
    """When we last stopped hearing of orders: the process began, or its user stream broke. Every reading that is told
    later was made later, so what it does not name may be gone however recently it was heard of."""
    read_ms: int = 0
    """When the account was last read in full."""
    account: str = ""
    """Whose orders these are, among several accounts at the venue; empty is the only one."""
    rides: AttachedStop | None = None
    """How the venue lets a stop ride on an entry; None where it does not."""
    lost_stop_ms: int = 0
    """After this long the fate of a stop of its own is certain, whatever became of the answer."""
    read_back: int = 0
    """Stops that rode on an entry and were found at the venue as ordered."""

    # --- what is ---------------------------------------------------------------------------------------------------

    def live(self, *purposes: Purpose) -> list[Order]:
        """Orders that may still fill; all purposes when none is named."""
        return [order for order in self.orders if order.live and (not purposes or order.purpose in purposes)]

    def confirmed_base(self, side: Side) -> Decimal:
        """Quantity under stops that the venue has confirmed and that nobody is cancelling."""
        stops = (order for order in self.orders if order.confirmed and order.purpose is Purpose.STOP)
        return sum((stop.remaining_base for stop in stops if stop.side is side), Decimal(0))

    def pending(self) -> bool:
        """The target's one entry has not been sent yet."""
        return self.target is not None and self.target.quantity_base > 0 and self.target.decision_id > self.entered

    def owned_base(self, side: Side) -> Decimal:
        """How much of a position of `side` our own fills since last flat explain."""
        return max(self.own_base * side.value, Decimal(0))

    def target_for(self, side: Side) -> VenueTarget | None:
        """The target, or the last one, whose stop fits a position of this side."""
        return next((one for one in (self.target, self.past) if one is not None and one.side is side), None)

    def ours(self, position: Position) -> bool:
        """We answer for it: there is a target for its side, or our own fills opened it."""
        wanted = self.target is not None and self.target.side is position.side
        return wanted or self.owned_base(position.side) > 0

    def must_close(self, position: Position) -> bool:
        """The whole of it must go."""
        wanted = self.target is not None and self.target.quantity_base > 0 and self.target.side is position.side
        return bool(self.closing) or not wanted

    def excess_base(self, position: Position) -> Decimal:
        """What of it must go at market, under way or not: everything when it must close, else what our own fills
        brought in beyond the target."""
        if self.target is None or self.must_close(position):
            return position.quantity_base
        owned_base = min(position.quantity_base, self.owned_base(position.side))
        return self.instrument.round_quantity(owned_base - self.target.quantity_base)

    def failed(self, purpose: Purpose, since_ms: int) -> list[Failure]:
        return [failure for failure in self.failures if failure.purpose is purpose and failure.time_ms > since_ms]

    @property
    def idle(self) -> bool:
        """Nothing to do unless a position appears."""
        return self.target is None and not self.seen_base and not self.closing and not self.live() and not self.orphaned

    def steady(self, now_ms: int, position: Position | None) -> bool:
        """What `plan` answered last time it answers again: nothing waits for time to pass or for word of the venue."""
        signed_base = Decimal(0) if position is None else position.side.value * position.quantity_base
        moved = signed_base != self.seen_base or bool(self.unread_until_ms)
        if moved or self.exposure is not None or self.failures or self.closing or self.pending() or self.orphaned:
            return False
        if self.leaving_ms:
            return False
        live = self.live()
        expires_ms = 0 if self.target is None else self.target.expires_ms
        entering = any(order.purpose is Purpose.ENTRY for order in live)
        settled = all(order.confirmed or order.dormant for order in live)
        return settled and not (entering and now_ms >= expires_ms)

    # --- what happens ----------------------------------------------------------------------------------------------

    def adopt(self, target: VenueTarget) -> None:
        """A new wish. While a position is open it revises that trade, and brings no entry of its own."""
        if self.seen_base or target.quantity_base == 0:
            self.entered = max(self.entered, target.decision_id)
        if target.quantity_base < abs(self.seen_base):
            self.own_base = self.seen_base  # risk approved reducing this position, whoever opened it
        self.target, self.leverage_attempts, self.leverage_sent_ms = target, 0, 0

    def cancel_entry(self) -> None:
        """No entry any more: an unsent one is used up; `plan` cancels a resting one."""
        self.withdrawn = not self.idle
        if self.target is not None:
            self.entered = max(self.entered, self.target.decision_id)

    def knows(self, client_id: str) -> bool:
        """Whether it is an order of these books, or one that an earlier process left."""
        return client_id in self.orphaned or self._index(client_id) is not None

    def register(self, command: Command, now_ms: int) -> None:
        """A command is about to leave."""
        if isinstance(command, PlaceOrder):
            self.orders.append(Order(command, now_ms, placed_ms=now_ms))
            if command.purpose is Purpose.ENTRY:
                self.entered = max(self.entered, command.decision_id)
            if command.stop_client_id:
                self.orders.append(Order(attached_order(command), now_ms))
        elif isinstance(command, SetLeverage):
            self.leverage_sent_ms, self.leverage_attempts = now_ms, self.leverage_attempts + 1
        else:
            self._sent_again(command, now_ms)

    def _sent_again(self, command: CancelOrder | QueryOrder, now_ms: int) -> None:
        if command.client_id in self.orphaned:
            self.orphaned[command.client_id] = now_ms
            return
        index = self._index(command.client_id)
        if index is None:
            raise ValueError(f"{type(command).__name__} of {command.client_id}, which is no order of this book")
        order = msgspec.structs.replace(self.orders[index], sent_ms=now_ms)
        if isinstance(command, CancelOrder):
            order = after_event(msgspec.structs.replace(order, cancel_asked=True), OrderEvent.CANCEL_SENT)
        else:
            first = order.attached and not order.query_count
            placed_ms = now_ms if first else order.placed_ms  # waited for from the first question on
            queried = msgspec.structs.replace(order, query_count=order.query_count + 1, placed_ms=placed_ms)
            order = after_event(queried, OrderEvent.UNANSWERED)
        self.orders[index] = order

    def on_order_fact(self, fact: OrderFact) -> bool:
        """False when the order is not in this book."""
        index = self._index(fact.client_id)
        if index is None:
            return False
        before = self.orders[index]
        order = self.orders[index] = after_fact(before, fact)
        if order.filled_base > before.filled_base:
            self._count_fill(order, order.filled_base - before.filled_base, fact.time_ms)
        if order.command.stop_client_id:
            self._carry(order, fact.time_ms)
        if order.attached:
            self.read_back += order.confirmed and not before.confirmed
        elif order.failed and not before.failed:
            self.failures = [*self.failures[1 - FAILURES_KEPT :], Failure(fact.time_ms, order.purpose)]
        return True

    def _carry(self, entry: Order, time_ms: int) -> None:
        """The stop that rides on an entry follows it."""
        index = self._index(entry.command.stop_client_id)
        if index is not None:
            self.orders[index] = after_entry(self.orders[index], entry, time_ms)

    def _count_fill(self, order: Order, filled_base: Decimal, time_ms: int) -> None:
        entry = order.purpose is Purpose.ENTRY
        if not entry:
            self.reduced_ms = max(self.reduced_ms, time_ms)
        if not entry and self.target is not None and 0 < order.command.decision_id < self.target.decision_id:
            return  # a stop, take or exit of an earlier trade: it closed what was open then
        self.own_base += filled_base * order.side.value * (1 if entry else -1)
        if not entry:
            self.cancel_entry()
            return
        # Nothing fills before it was sent: that bounds a venue's clock that goes otherwise than ours.
        brought = UnprotectedSize(max(time_ms, order.placed_ms), abs(self.own_base))
        self.uncovered = [*self.uncovered[: UNCOVERED_KEPT - 1], brought]
        if self.target is None:
            self.closing = self.closing or "late fill of an entry that was over"
            self.target = self.past if self.past is not None and self.past.side is order.side else None

    def on_fact(self, fact: Event) -> None:
        """Facts about the instrument or the whole house that are not about one order."""
        if isinstance(fact, events.LeverageConfirmed):
            self.leverage = fact
        elif isinstance(fact, events.Halt | events.JournalOpened | events.FeedDown):
            # No new risk, or none by a process that has not read the account yet: an entry not sent is not sent.
            self.cancel_entry()
            if not isinstance(fact, events.Halt):
                self.deaf_ms = max(self.deaf_ms, fact.time_ms)
            if isinstance(fact, events.JournalOpened):
                self.present_ms = fact.time_ms
            if isinstance(fact, events.FeedDown) and fact.feed == CLOCK_FEED:
                self.unread_until_ms = fact.time_ms + UNREAD_MS_MAX
        elif isinstance(fact, events.PositionAdopted):
            self.own_base = fact.side.value * fact.quantity_base
        elif isinstance(fact, events.Flatten) and not self.idle:
            self.cancel_entry()
            self.closing = self.closing or f"flatten: {fact.reason}"

    def meet(self, fact: OrderFact, *, orphaned: bool = False) -> None:
        """A fact about an order that is not in this book: somebody else's, or one of our own that nothing recorded."""
        if orphaned and isinstance(fact, events.OrderAccepted):
            self.orphaned.setdefault(fact.client_id, 0)
        if isinstance(fact, events.OrderAccepted):
            self.external[fact.client_id] = fact.time_ms
            if len(self.external) > EXTERNAL_KEPT:
                del self.external[next(iter(self.external))]
        elif isinstance(fact, events.OrderCancelled | events.OrderRejected):
            self.external.pop(fact.client_id, None)
            self.orphaned.pop(fact.client_id, None)

    def inherit(self, client_ids: Iterable[str]) -> None:
        """Others' orders that count as ours now: they go once nothing depends on them."""
        for client_id in client_ids:
            if client_id in self.external:
                self.orphaned.setdefault(client_id, 0)

    def mark_unknown(self, read_ms: int, before_ms: int) -> None:
        """A reconciliation read everything at `read_ms`: what has not been reported since `before_ms`, or rested when
        we last stopped hearing, may be gone, and the venue answers again, so earlier failures hold nothing back."""
        resting_since_ms = max(before_ms, min(self.deaf_ms, read_ms))
        if self.unread_until_ms:
            self.unread_until_ms, self.present_ms = 0, read_ms
        self.read_ms, self.failures = read_ms, []
        self.external = {client_id: heard_ms for client_id, heard_ms in self.external.items() if heard_ms >= before_ms}
        kept = self.external
        self.orphaned = {client_id: asked_ms for client_id, asked_ms in self.orphaned.items() if client_id in kept}
        self.orders = [_doubted(order, before_ms, resting_since_ms) for order in self.orders]

    def _index(self, client_id: str) -> int | None:
        for index in range(len(self.orders) - 1, -1, -1):
            if self.orders[index].client_id == client_id:
                return index
        return None

    # --- what follows ----------------------------------------------------------------------------------------------

    def observe(self, position: Position | None, now_ms: int, params: ExecutionParams) -> int | None:
        """Look at the position before planning: exposure, the end of a trade, and reasons to leave at once. When a
        position has ended: for how long in all it was naked."""
        if self.pending() and (position is not None or self._entry_missed(now_ms, params)):
            self.cancel_entry()
        if position is None:
            gone_ms = min(now_ms, self.reduced_ms or now_ms)
            self._observe_flat()
            return self.naked.see(gone_ms, held_base=Decimal(0), covered_base=Decimal(0))
        reversed_ = position.side.value * self.seen_base < 0
        ended_ms = self.naked.see(now_ms, held_base=Decimal(0), covered_base=Decimal(0)) if reversed_ else None
        self.seen_base = position.side.value * position.quantity_base
        if now_ms >= self.unread_until_ms:
            self.unread_until_ms = 0
        if self.ours(position):
            self._measure_exposure(position, now_ms)
            if not self.unread_until_ms:
                self.closing = self.closing or self._unprotectable(now_ms, params)
            held_up = self.excess_base(position) > 0 and bool(self.live(Purpose.TAKE))
            self.leaving_ms = (self.leaving_ms or now_ms) if held_up else 0
        else:
            self.exposure, self.uncovered, self.naked, self.leaving_ms = None, [], NakedClock(), 0
            self._finish()
        return ended_ms

    def _entry_missed(self, now_ms: int, params: ExecutionParams) -> bool:
        """Too late, or the venue would not confirm the leverage."""
        asked_enough = self.leverage_attempts >= params.leverage_attempts_max
        waited_enough = now_ms - self.leverage_sent_ms >= params.leverage_retry_ms
        late = self.target is not None and now_ms >= self.target.expires_ms
        return late or (asked_enough and waited_enough)

    def _unprotectable(self, now_ms: int, params: ExecutionParams) -> str:
        since_ms = now_ms if self.exposure is None else max(self.exposure.since_ms, self.present_ms)
        if now_ms - since_ms > params.unprotected_ms_max:
            return f"no confirmed stop for {now_ms - since_ms} ms"
        refused = self.failed(Purpose.STOP, now_ms - params.failure_window_ms)
        return f"stop failed {len(refused)} times" if len(refused) >= params.stop_attempts_max else ""

    def _measure_exposure(self, position: Position, now_ms: int) -> None:
        held_base, covered_base = position.quantity_base, self.confirmed_base(position.side)
        naked = covered_base < held_base
        self.uncovered = [
            UnprotectedSize(min(one.since_ms, now_ms), one.quantity_base)
            for one in self.uncovered if naked and one.quantity_base > covered_base
        ]  # fmt: skip
        if naked and not self.uncovered:
            self.uncovered = [UnprotectedSize(now_ms, held_base)]  # no fill did that: a stop went
        self.exposure = self.uncovered[0] if self.uncovered else None
        changed_ms = self._covered_ms(position.side) if self.exposure is None else self.exposure.since_ms
        self.naked.see(min(now_ms, changed_ms or now_ms), held_base=held_base, covered_base=covered_base)

    def _covered_ms(self, side: Side) -> int:
        """When the last stop that it takes was confirmed."""
        stops = (one for one in self.orders if one.confirmed and one.purpose is Purpose.STOP and one.side is side)
        return max((stop.confirmed_ms for stop in stops), default=0)

    def _observe_flat(self) -> None:
        if self.seen_base:
            self.cancel_entry()
            self.closing = self.closing or "closed"
        self.seen_base = self.own_base = Decimal(0)
        self.exposure, self.uncovered, self.reduced_ms, self.leaving_ms = None, [], 0, 0
        self._finish()

    def _finish(self) -> None:
        """The trade is over once none of its orders can fill any more."""
        if self.live():
            return
        self.closing, self.withdrawn = "", False
        if self.target is not None and not self.pending():
            self.past, self.target, self.failures = self.target, None, []
        self.orders = self.orders[-ENDED_ORDERS_KEPT:]


def _doubted(order: Order, before_ms: int, resting_since_ms: int) -> Order:
    """Asked about at once: what the reading should have named and did not, and what was silent for long. The venue
    answers again, so patience starts anew."""
    if order.dormant:
        return order
    if order.confirmed and order.heard_ms < resting_since_ms:
        order = after_event(order, OrderEvent.UNANSWERED)
    elif order.confirmed or not order.live or max(order.sent_ms, order.heard_ms) >= before_ms:
        return order
    return msgspec.structs.replace(order, sent_ms=0, query_count=0)
