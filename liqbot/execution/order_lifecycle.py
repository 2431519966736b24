"""The life of one order as a table: state x event -> state, with a defined answer for every pair.

Venues repeat, reorder and lose messages. So a terminal state is only left on proof of the contrary, a contradiction
leads to UNKNOWN (ask the venue), and quantities come from fills alone, each counted once.
"""

import enum
from decimal import Decimal
from typing import Final

import msgspec

from liqbot import events
from liqbot.commands import PlaceOrder, Purpose
from liqbot.instruments import Side
from liqbot.venues.entry_stops import entry_of


class OrderState(enum.StrEnum):
    INTENDED = "intended"
    """Handed out as a command; nothing has been reported of it."""
    UNKNOWN = "unknown"
    """Its state is unknown and the venue is queried; it may be live."""
    WORKING = "working"
    PARTIAL = "partial"
    CANCELLING = "cancelling"
    """A cancel has been sent; it may still fill."""
    FILLED = "filled"
    CANCELLED = "cancelled"
    REJECTED = "rejected"
    MISSING = "missing"
    """The venue, queried, knows no such order."""


class OrderEvent(enum.StrEnum):
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CANCELLED = "cancelled"
    MISSING = "missing"
    CANCEL_REFUSED = "cancel_refused"
    FILLED_PART = "filled_part"
    FILLED_WHOLE = "filled_whole"
    CANCEL_SENT = "cancel_sent"
    UNANSWERED = "unanswered"
    """Silence for too long, or a reconciliation that did not mention it."""


_S, _E = OrderState, OrderEvent
# Columns as in OrderEvent: accepted, rejected, cancelled, missing, cancel refused, part, whole, cancel sent, silence.
_ROWS: Final[dict[OrderState, tuple[OrderState, ...]]] = {
    _S.INTENDED: (
        _S.WORKING, _S.REJECTED, _S.CANCELLED, _S.UNKNOWN, _S.INTENDED, _S.PARTIAL, _S.FILLED, _S.CANCELLING,
        _S.UNKNOWN,
    ),
    # Only here is "no such order" believed: it answers a query made long after the order was sent.
    _S.UNKNOWN: (
        _S.WORKING, _S.REJECTED, _S.CANCELLED, _S.MISSING, _S.UNKNOWN, _S.PARTIAL, _S.FILLED, _S.CANCELLING, _S.UNKNOWN,
    ),
    # Some venues accept first and refuse a moment later.
    _S.WORKING: (
        _S.WORKING, _S.REJECTED, _S.CANCELLED, _S.UNKNOWN, _S.WORKING, _S.PARTIAL, _S.FILLED, _S.CANCELLING, _S.UNKNOWN,
    ),
    _S.PARTIAL: (
        _S.PARTIAL, _S.UNKNOWN, _S.CANCELLED, _S.UNKNOWN, _S.PARTIAL, _S.PARTIAL, _S.FILLED, _S.CANCELLING, _S.UNKNOWN,
    ),
    # A refused cancel means filled, gone, or not yet arrived: ask.
    _S.CANCELLING: (
        _S.CANCELLING, _S.REJECTED, _S.CANCELLED, _S.UNKNOWN, _S.UNKNOWN, _S.CANCELLING, _S.FILLED, _S.CANCELLING,
        _S.UNKNOWN,
    ),
    _S.FILLED: (_S.FILLED,) * 9,
    # Late fills count, but prove nothing about the rest: it stays cancelled.
    _S.CANCELLED: (*(_S.CANCELLED,) * 6, _S.FILLED, _S.CANCELLED, _S.CANCELLED),
    # A fill of a refused order proves the refusal wrong: what is left of it may be alive.
    _S.REJECTED: (*(_S.REJECTED,) * 5, _S.UNKNOWN, _S.FILLED, _S.REJECTED, _S.REJECTED),
    _S.MISSING: (
        _S.WORKING, _S.REJECTED, _S.CANCELLED, _S.MISSING, _S.MISSING, _S.PARTIAL, _S.FILLED, _S.MISSING, _S.MISSING,
    ),
}  # fmt: skip
TABLE: Final[dict[tuple[OrderState, OrderEvent], OrderState]] = {
    (state, event): after for state, row in _ROWS.items() for event, after in zip(OrderEvent, row, strict=True)
}
LIVE: Final = (_S.INTENDED, _S.UNKNOWN, _S.WORKING, _S.PARTIAL, _S.CANCELLING)
CONFIRMED: Final = (_S.WORKING, _S.PARTIAL)

OrderFact = (
    events.OrderAccepted
    | events.OrderRejected
    | events.OrderCancelled
    | events.OrderMissing
    | events.CancelRejected
    | events.Fill
)
_EVENT_OF: Final[dict[type, OrderEvent]] = {
    events.OrderAccepted: _E.ACCEPTED,
    events.OrderRejected: _E.REJECTED,
    events.OrderCancelled: _E.CANCELLED,
    events.OrderMissing: _E.MISSING,
    events.CancelRejected: _E.CANCEL_REFUSED,
}


class Order(msgspec.Struct, frozen=True):
    """One order of ours and all that is known of it. `sent_ms` is when we last sent anything about it, `heard_ms` when
    the venue last said anything."""

    command: PlaceOrder
    sent_ms: int
    state: OrderState = OrderState.INTENDED
    heard_ms: int = 0
    filled_base: Decimal = Decimal(0)
    venue_order_id: str = ""
    cancel_asked: bool = False
    query_count: int = 0
    reason: str = ""
    placed_ms: int = 0
    """When it was first sent; of a stop that rides on an entry when that entry first filled and, from then on, when
    it was first queried; 0 until the fill."""
    confirmed_ms: int = 0
    """When the venue has last shown it, after a time in which it had not."""

    @property
    def client_id(self) -> str:
        return self.command.client_id

    @property
    def purpose(self) -> Purpose:
        return self.command.purpose

    @property
    def side(self) -> Side:
        return self.command.side

    @property
    def remaining_base(self) -> Decimal:
        return self.command.quantity_base - self.filled_base

    @property
    def live(self) -> bool:
        """It may still fill."""
        return self.state in LIVE

    @property
    def confirmed(self) -> bool:
        """The venue has it, and nothing is on the way that would change that."""
        return self.state in CONFIRMED

    @property
    def on_the_way(self) -> bool:
        return self.state in {OrderState.INTENDED, OrderState.UNKNOWN}

    @property
    def attached(self) -> bool:
        """A stop that rides on its entry: it comes to be at the venue when the entry fills."""
        return entry_of(self.client_id) is not None

    @property
    def dormant(self) -> bool:
        """It rides on an entry that has not filled: there is nothing to wait for and nothing to ask about."""
        return self.attached and not self.placed_ms and self.state is OrderState.INTENDED

    @property
    def failed(self) -> bool:
        """It ended, unasked, before it did anything."""
        ended = self.state in {OrderState.REJECTED, OrderState.MISSING, OrderState.CANCELLED}
        return ended and not self.cancel_asked and not self.filled_base


def after_event(order: Order, event: OrderEvent) -> Order:
    """The order after `event`, quantities untouched."""
    state = TABLE[order.state, event]
    if state is OrderState.WORKING and order.filled_base:
        state = OrderState.PARTIAL
    return msgspec.structs.replace(order, state=state)


def after_entry(stop: Order, entry: Order, time_ms: int) -> Order:
    """The stop that rides on `entry`, after news of the entry: it covers what has filled, and ends with an entry that
    ended unfilled."""
    if not entry.filled_base:
        ended = stop.dormant and not entry.live
        return msgspec.structs.replace(stop, state=OrderState.CANCELLED, cancel_asked=True) if ended else stop
    covered_base = max(entry.filled_base, stop.filled_base)
    command = msgspec.structs.replace(stop.command, quantity_base=covered_base)
    stop = msgspec.structs.replace(stop, command=command)
    if not stop.placed_ms:
        # A late fill brings back what seemed never to come.
        state = OrderState.INTENDED if stop.state is OrderState.CANCELLED else stop.state
        stop = msgspec.structs.replace(
            stop, state=state, cancel_asked=False, placed_ms=time_ms, sent_ms=time_ms, query_count=0
        )
    if stop.filled_base == covered_base:
        return msgspec.structs.replace(stop, state=OrderState.FILLED)
    return stop


def after_fact(order: Order, fact: OrderFact) -> Order:
    """The order after a fact about it. A fill never counts beyond the order's quantity; one that was delivered before
    must not come here (the account's books know)."""
    before = order
    order = _after_fact(msgspec.structs.replace(order, heard_ms=max(order.heard_ms, fact.time_ms)), fact)
    newly = order.confirmed and not before.confirmed
    return msgspec.structs.replace(order, confirmed_ms=fact.time_ms) if newly else order


def _after_fact(order: Order, fact: OrderFact) -> Order:
    if order.attached and isinstance(fact, events.OrderMissing):
        # Nothing of its own was ever sent: it is queried only after the fill, so this answers that query.
        order = after_event(order, OrderEvent.UNANSWERED) if order.state is OrderState.INTENDED else order
    if isinstance(fact, events.Fill):
        return _filled(order, fact)
    if isinstance(fact, events.OrderAccepted):
        order = msgspec.structs.replace(order, venue_order_id=fact.venue_order_id, query_count=0)
    elif isinstance(fact, events.OrderRejected | events.OrderCancelled):
        order = msgspec.structs.replace(order, reason=fact.reason)
    return after_event(order, _EVENT_OF[type(fact)])


def _filled(order: Order, fill: events.Fill) -> Order:
    counted = min(fill.quantity_base, order.remaining_base)
    whole = counted == order.remaining_base
    order = msgspec.structs.replace(order, filled_base=order.filled_base + counted)
    return after_event(order, OrderEvent.FILLED_WHOLE if whole else OrderEvent.FILLED_PART)
