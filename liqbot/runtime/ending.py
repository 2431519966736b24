"""`EndingDecision`: what a house does between the wish to stop and its end, as a pure decision.

Nothing is entered any more. What is under way is completed or undone while feeds and broker still work: an entry that
was sent is queried until its outcome is known, a filled one gets its stop confirmed, a position that cannot be
protected in time is closed. All of it within a limit, after which the house ends and says what is left.
"""

import enum
from collections.abc import Iterator
from typing import Final, NamedTuple

from liqbot.accounting.positions import Position
from liqbot.commands import Purpose
from liqbot.engine import Engine
from liqbot.execution.instrument_orders import InstrumentOrders
from liqbot.execution.order_lifecycle import Order

FLATTEN_AFTER_S: Final = 10.0
"""A position still without a confirmed stop is closed; execution's own limit is usually shorter."""
ENDING_S_MAX: Final = 25.0
QUIET_S: Final = 3.0
"""How long answers are waited for where the market itself is over, and nothing can be completed."""


class EndingAct(enum.Enum):
    WAIT = "wait"
    FLATTEN = "flatten"
    """Once: close what cannot be protected, then go on waiting."""
    OVER = "over"


class Unsettled(NamedTuple):
    """What keeps a house from ending, in words."""

    under_way: tuple[str, ...] = ()
    naked: tuple[str, ...] = ()
    """Positions of ours without a confirmed stop over all of them."""
    unknown: tuple[str, ...] = ()
    """Entries that may have filled, or may still fill."""

    @property
    def settled(self) -> bool:
        return not self.under_way and not self.naked and not self.unknown

    @property
    def open(self) -> tuple[str, ...]:
        """What is, or may be, open without a stop."""
        return (*self.naked, *self.unknown)


class EndingDecision:
    """From `began_s` on, in seconds of any clock that never goes back."""

    def __init__(self, began_s: float, *, market_over: bool = False) -> None:
        """`market_over`: no order can fill any more, so only answers on their way are waited for."""
        self._flatten_s = began_s + FLATTEN_AFTER_S
        self._until_s = began_s + (QUIET_S if market_over else ENDING_S_MAX)
        self._flattened = market_over
        self.hurried = False

    def hurry(self) -> None:
        """A second signal: over at once, whatever is left."""
        self.hurried = True

    def next(self, now_s: float, left: Unsettled) -> EndingAct:
        if self.hurried or left.settled or now_s >= self._until_s:
            return EndingAct.OVER
        if left.naked and now_s >= self._flatten_s and not self._flattened:
            self._flattened = True
            return EndingAct.FLATTEN
        return EndingAct.WAIT


def unsettled(engine: Engine, *, at_the_edges: tuple[str, ...] = (), account_read: bool = True) -> Unsettled:
    """What orders and positions wait for. `at_the_edges`: what is between the engine and the venue; `account_read`: the
    positions have been read from the venue."""
    under_way, naked, unknown = list(at_the_edges), [], []
    for book in engine.order_manager.books:
        position = engine.account.position(book.instrument.venue, book.instrument.coin)
        under_way += _waits(book)
        unknown += [f"{_named(book)}: {_order(order)}" for order in book.live(Purpose.ENTRY)]
        if position is None or not book.ours(position):
            continue
        if not account_read:
            under_way.append(f"{_named(book)}: the position has not been read")
        if book.confirmed_base(position.side) < position.quantity_base:
            naked.append(_shown(book, position))
    return Unsettled(tuple(under_way), tuple(naked), tuple(unknown))


def _waits(book: InstrumentOrders) -> Iterator[str]:
    if book.pending():
        yield f"{_named(book)}: an entry that was not sent"
    for order in book.live(Purpose.STOP, Purpose.TAKE, Purpose.EXIT):
        # Resting stops and takes are what shall be left; everything else must come to its end.
        if not order.confirmed or order.purpose is Purpose.EXIT:
            yield f"{_named(book)}: {_order(order)}"
    if book.closing and book.seen_base:
        yield f"{_named(book)}: being closed, {book.closing}"


def _named(book: InstrumentOrders) -> str:
    return f"{book.instrument.symbol} on {book.instrument.venue}"


def _order(order: Order) -> str:
    return f"{order.purpose} of {order.remaining_base} {order.client_id} is {order.state}"


def _shown(book: InstrumentOrders, position: Position) -> str:
    covered_base = book.confirmed_base(position.side)
    return (
        f"{position.side.word} {position.quantity_base} {_named(book)}, {covered_base} of it under confirmed stops"
    )
