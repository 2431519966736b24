"""Commands and the venues' answers folded into orders and their events."""

from decimal import Decimal
from typing import Any, Final

import msgspec

from liqbot.commands import CancelOrder, Command, PlaceOrder, QueryOrder
from liqbot.events import (
    CancelRejected,
    Event,
    Fill,
    OrderAccepted,
    OrderCancelled,
    OrderMissing,
    OrderRejected,
)
from liqbot.ledger.observation import Observation
from liqbot.ledger.pending_rows import PendingRows
from liqbot.ledger.state import KnownOrder, LedgerState
from liqbot.venues.entry_stops import attached_order

_DONE_REMEMBERED: Final = 500
LOCAL: Final = "local"
_ANSWERS: Final = {
    OrderAccepted: "accepted", OrderRejected: "rejected", OrderCancelled: "cancelled", OrderMissing: "missing",
    CancelRejected: "cancel_rejected", Fill: "fill",
}


class OrderBook:
    """Our orders by client id."""

    def __init__(self, state: LedgerState, pending: PendingRows) -> None:
        self._state, self._pending = state, pending

    def command(self, observation: Observation, command: Command, mark_price: Decimal | None) -> None:
        """A command about to leave; `mark_price` is what a market order should fill at."""
        if isinstance(command, PlaceOrder) and command.client_id not in self._state.orders:
            self._place(observation.time_ms, command, mark_price)
            if command.stop_client_id:
                self._place(observation.time_ms, attached_order(command), None)
                self._state.orders[command.client_id].stop_client_id = command.stop_client_id
        if isinstance(command, PlaceOrder | CancelOrder | QueryOrder):
            event = {PlaceOrder: "sent", CancelOrder: "cancel_sent", QueryOrder: "query_sent"}[type(command)]
            self._event(observation.seq, observation.time_ms, command.client_id, event, LOCAL, command)

    def _place(self, time_ms: int, order: PlaceOrder, mark_price: Decimal | None) -> None:
        row = self._pending.add(
            "order", client_id=order.client_id, venue_order_id="", decision_id=order.decision_id, venue=order.venue,
            coin=order.coin, account=order.account, side=order.side.word, purpose=order.purpose.value,
            kind=order.kind.value, reduce_only=order.reduce_only, quantity_base=order.quantity_base,
            limit_price=order.limit_price, trigger_price=order.trigger_price,
            expected_price=order.limit_price or order.trigger_price or mark_price, status="sent",
            filled_base=Decimal(0), average_price=None, sent_ms=time_ms, ack_ms=None, done_ms=None,
        )
        self._state.orders[order.client_id] = KnownOrder(
            row, order.decision_id, order.purpose.value, order.quantity_base
        )

    def fold(self, seq: int, source: str, fact: Event, *, repeated: bool = False) -> None:
        """A venue's answer. Late and repeated ones are written as events and change nothing that is settled."""
        event = _ANSWERS.get(type(fact))
        if event is None:
            return
        client_id: str = fact.client_id  # type: ignore[union-attr]
        self._event(seq, fact.time_ms, client_id, event, source, fact)
        order = self._state.orders.get(client_id)
        if order is None or repeated:
            return
        if isinstance(fact, OrderAccepted) and not order.done:
            self._pending.change(
                "order", order.row, venue_order_id=fact.venue_order_id, ack_ms=fact.time_ms,
                **({} if order.filled_base else {"status": "open"}),
            )
        elif isinstance(fact, Fill):
            self._filled(order, fact)
        elif isinstance(fact, OrderRejected | OrderCancelled | OrderMissing) and not order.done:
            self._done(order, fact.time_ms, event)

    def _filled(self, order: KnownOrder, fill: Fill) -> None:
        order.filled_base += fill.quantity_base
        order.filled_usd += fill.quantity_base * fill.price
        columns: dict[str, Any] = {
            "filled_base": order.filled_base, "average_price": order.filled_usd / order.filled_base,
        }
        self._pending.change("order", order.row, **columns)
        stop = self._state.orders.get(order.stop_client_id)
        if stop is not None:
            stop.quantity_base = order.filled_base
            self._pending.change("order", stop.row, quantity_base=order.filled_base)
        if order.filled_base >= order.quantity_base:
            self._done(order, fill.time_ms, "filled")
        elif not order.done:
            self._pending.change("order", order.row, status="partly_filled")

    def _done(self, order: KnownOrder, time_ms: int, status: str) -> None:
        order.done = True
        self._pending.change("order", order.row, status=status, done_ms=time_ms)
        stop = self._state.orders.get(order.stop_client_id)
        if stop is not None and not order.filled_base:
            self._done(stop, time_ms, status)  # it never came to be
        done = [client_id for client_id, known in self._state.orders.items() if known.done]
        for client_id in done[:-_DONE_REMEMBERED]:
            del self._state.orders[client_id]

    def _event(self, seq: int, time_ms: int, client_id: str, event: str, source: str, raw: Command | Event) -> None:
        order = self._state.orders.get(client_id)
        self._pending.add(
            "order_event", order_id=order.row if order else None, client_id=client_id, seq=seq, time_ms=time_ms,
            event=event, source=source, raw=msgspec.to_builtins(raw),
        )
