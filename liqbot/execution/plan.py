"""The pure difference between what should be (target) and what is (position, orders in flight), as commands.

Nothing here remembers: called again after its own commands were registered in the book, it returns nothing. Protection
comes first, then reductions, then tidying, then new risk.
"""

from collections.abc import Callable
from decimal import Decimal

import msgspec

from liqbot.accounting.positions import Position
from liqbot.commands import CancelOrder, Command, OrderKind, PlaceOrder, Purpose, QueryOrder, SetLeverage
from liqbot.execution.instrument_orders import InstrumentOrders
from liqbot.execution.order_lifecycle import Order, OrderState
from liqbot.execution.params import ExecutionParams
from liqbot.risk.translation import VenueTarget
from liqbot.venues.entry_stops import attached_id, may_rest

NextClientId = Callable[[Purpose], str]
"""Gives the next client order id; called once per order placed, in order."""


def plan(
    book: InstrumentOrders, position: Position | None, now_ms: int, params: ExecutionParams, mint: NextClientId
) -> tuple[Command, ...]:
    """`book` must have observed `position` at `now_ms`. A position that is not ours gets no command at all."""
    commands: list[Command] = _withdrawals(book, position, now_ms)
    if book.unread_until_ms and not book.closing:
        return (*commands, *_bare(book, position, now_ms, params, mint), *_ask(book, now_ms, params))
    if position is None:
        # While an entry may still fill its stop stays: without a position a reduce-only order does nothing.
        over = (Purpose.TAKE, Purpose.EXIT) if book.live(Purpose.ENTRY) else (Purpose.STOP, Purpose.TAKE, Purpose.EXIT)
        commands += [_cancel(order) for order in book.live(*over) if order.confirmed]
    elif book.ours(position):
        closing = book.must_close(position)
        commands += _protect(book, position, now_ms, params, mint, closing=closing)
        commands += _take(book, position, now_ms, params, mint)
        commands += _reduce(book, position, now_ms, params, mint)
    commands += _enter(book, position, now_ms, params, mint)
    commands += _clear(book, position, now_ms, params)
    commands += _ask(book, now_ms, params)
    return tuple(commands)


def _bare(
    book: InstrumentOrders, position: Position | None, now_ms: int, params: ExecutionParams, mint: NextClientId
) -> list[Command]:
    """While it is open what is still true: a position without any stop gets one, and that is all."""
    if position is None or not book.ours(position):
        return []
    commands = _protect(book, position, now_ms, params, mint, closing=False)
    return [command for command in commands if isinstance(command, PlaceOrder)]


# --- the way in -------------------------------------------------------------------------------------------------------


def _withdrawals(book: InstrumentOrders, position: Position | None, now_ms: int) -> list[Command]:
    """Cancels for entries that are resting and should not be. One that was never acknowledged is queried instead:
    a cancel could overtake it."""
    resting = [order for order in book.live(Purpose.ENTRY) if order.confirmed]
    target = book.target
    if not book.closing and not book.withdrawn and target is not None and now_ms < target.expires_ms:
        missing_base = target.quantity_base
        if position is not None:
            missing_base = missing_base - position.quantity_base if position.side is target.side else Decimal(0)
        resting = [one for one in resting if missing_base <= 0 or one.command.decision_id != target.decision_id]
    return [_cancel(order) for order in resting]


def _enter(
    book: InstrumentOrders, position: Position | None, now_ms: int, params: ExecutionParams, mint: NextClientId
) -> list[Command]:
    """The one entry of a decision, once leverage has been read back and nothing of an earlier trade is left."""
    target = book.target
    if target is None or not book.pending() or position is not None or book.closing or now_ms >= target.expires_ms:
        return []
    if book.live():
        return []
    if not _leverage_is(book, target, now_ms, params):
        waited = now_ms - book.leverage_sent_ms >= params.leverage_retry_ms
        asks = book.leverage_attempts == 0 or (waited and book.leverage_attempts < params.leverage_attempts_max)
        return [SetLeverage(target.venue, target.coin, target.leverage, target.account)] if asks else []
    limit, rides, client_id = target.limit_price is not None, book.rides, mint(Purpose.ENTRY)
    rests = may_rest(rides)
    order = PlaceOrder(
        client_id=client_id,
        venue=target.venue,
        coin=target.coin,
        decision_id=target.decision_id,
        purpose=Purpose.ENTRY,
        kind=OrderKind.LIMIT if limit else OrderKind.MARKET,
        side=target.side,
        quantity_base=target.quantity_base,
        reduce_only=False,
        limit_price=target.limit_price,
        post_only=limit and rests and params.post_only_entries,
        account=target.account,
        immediate=limit and not rests,
        stop_price=None if rides is None else target.stop_price,
        stop_client_id="" if rides is None else attached_id(client_id),
    )
    return [order]


def _leverage_is(book: InstrumentOrders, target: VenueTarget, now_ms: int, params: ExecutionParams) -> bool:
    known = book.leverage
    if known is None or now_ms - known.time_ms > params.leverage_age_ms_max:
        return False
    return known.isolated and known.leverage == target.leverage


# --- protection and the way out ---------------------------------------------------------------------------------------


def _protect(
    book: InstrumentOrders,
    position: Position,
    now_ms: int,
    params: ExecutionParams,
    mint: NextClientId,
    *,
    closing: bool,
) -> list[Command]:
    """One stop over the whole position at the target's price; the old one goes only when its successor is confirmed.

    One that rode on the entry is left alone where it may stay; it and any other is waited for only so long. Should an
    overdue one appear after all, two cover the position until the older one is cancelled: both can only reduce, or the
    venue keeps them apart (one of the position, one an order of its own).
    """
    target = book.target_for(position.side)
    if target is None:
        return []
    stops = [stop for stop in book.live(Purpose.STOP) if stop.side is position.side]
    quantity_base, price = position.quantity_base, target.stop_price
    if closing and book.confirmed_base(position.side) >= quantity_base:
        return []
    fitting = [stop for stop in stops if _fits(stop, quantity_base, price) and _may_stay(stop, book)]
    settled = [stop for stop in fitting if stop.confirmed]
    if settled:
        return [_cancel(stop) for stop in stops if stop.confirmed and stop is not settled[-1]]
    refused = book.failed(Purpose.STOP, now_ms - params.failure_window_ms)
    # One that we have asked to be cancelled is no protection to wait for, whatever has become of it.
    under_way = [stop for stop in stops if stop.on_the_way and not stop.cancel_asked and _may_stay(stop, book)]
    expected = any(_expected(stop, book, now_ms, params) for stop in under_way)
    if expected or len(refused) >= params.stop_attempts_max or len(under_way) > _stops_under_way_max(book, params):
        return []
    order = _reducing(target, position, Purpose.STOP, OrderKind.STOP_MARKET, quantity_base, mint, trigger_price=price)
    return [order]


def _may_stay(stop: Order, book: InstrumentOrders) -> bool:
    """For the whole trade: not a stop that would outlive the position it rode in with."""
    return not stop.attached or (book.rides is not None and not book.rides.outlives_position)


def _expected(stop: Order, book: InstrumentOrders, now_ms: int, params: ExecutionParams) -> bool:
    """Whether a stop under way is still waited for before another is placed: until its fate is certain, unless that
    comes too late, as on venues that leave it open for half a minute (should both arrive, one goes), or a process sent
    it that is gone and the account as read since then has none."""
    waited_ms = now_ms - stop.placed_ms
    if stop.attached:
        return not stop.query_count or waited_ms < params.attached_stop_ms
    if stop.placed_ms < book.present_ms <= book.read_ms:
        return False
    return book.lost_stop_ms <= params.unprotected_ms_max or waited_ms < params.unknown_ms


def _stops_under_way_max(book: InstrumentOrders, params: ExecutionParams) -> int:
    """However long the venue is away: when it is back no answer about those sent meanwhile is needed for one more."""
    return max(params.stop_attempts_max, book.lost_stop_ms // params.unknown_ms + 1)


def _reduce(
    book: InstrumentOrders, position: Position, now_ms: int, params: ExecutionParams, mint: NextClientId
) -> list[Command]:
    """What must go, at market. Venues that count open reduce-only orders against the position refuse it beside a take:
    under a stop it waits until they are seen gone, or long enough; without one it is tried at once."""
    under_way = [order for order in book.live(Purpose.EXIT) if order.side is position.side]
    excess_base = book.excess_base(position) - sum((order.remaining_base for order in under_way), Decimal(0))
    covered = book.confirmed_base(position.side) >= position.quantity_base
    if excess_base <= 0 or now_ms < _exit_not_before_ms(book, now_ms, params, covered=covered):
        return []
    if covered and book.live(Purpose.TAKE) and now_ms - book.leaving_ms < params.take_cancel_ms_max:
        return []
    return [_reducing(book.target, position, Purpose.EXIT, OrderKind.MARKET, excess_base, mint)]


def _exit_not_before_ms(book: InstrumentOrders, now_ms: int, params: ExecutionParams, *, covered: bool) -> int:
    """Without a full stop it is tried twice in the time that a position may be without one: a venue that is back after
    a long maintenance does not say so."""
    failures = book.failed(Purpose.EXIT, now_ms - params.failure_window_ms)
    if not failures:
        return now_ms
    most_ms = params.retry_ms_max if covered else min(params.retry_ms_max, params.unprotected_ms_max // 2)
    return failures[-1].time_ms + min(params.retry_ms << (len(failures) - 1), most_ms)


def _take(
    book: InstrumentOrders, position: Position, now_ms: int, params: ExecutionParams, mint: NextClientId
) -> list[Command]:
    """A resting reduce-only limit over the whole position, none while some of it must go at market. A changed one goes
    first: a gap here costs nothing."""
    target = book.target
    takes = book.live(Purpose.TAKE)
    price = None if target is None or book.excess_base(position) > 0 else target.take_price
    if takes or price is None:
        fits = [take for take in takes if price is not None and _fits(take, position.quantity_base, price)]
        return [_cancel(take) for take in takes if take.confirmed and take not in fits[-1:]]
    if len(book.failed(Purpose.TAKE, now_ms - params.failure_window_ms)) >= params.stop_attempts_max:
        return []
    return [
        _reducing(target, position, Purpose.TAKE, OrderKind.LIMIT, position.quantity_base, mint, limit_price=price)
    ]


def _reducing(
    target: VenueTarget | None,
    position: Position,
    purpose: Purpose,
    kind: OrderKind,
    quantity_base: Decimal,
    mint: NextClientId,
    *,
    limit_price: Decimal | None = None,
    trigger_price: Decimal | None = None,
) -> PlaceOrder:
    return PlaceOrder(
        client_id=mint(purpose),
        venue=position.venue,
        coin=position.coin,
        decision_id=0 if target is None else target.decision_id,
        purpose=purpose,
        kind=kind,
        side=position.side,
        quantity_base=quantity_base,
        reduce_only=True,
        limit_price=limit_price,
        trigger_price=trigger_price,
        account=position.account,
    )


def _fits(order: Order, quantity_base: Decimal, price: Decimal) -> bool:
    at = order.command.trigger_price if order.purpose is Purpose.STOP else order.command.limit_price
    return order.remaining_base == quantity_base and at == price


# --- doubts -----------------------------------------------------------------------------------------------------------


def _clear(book: InstrumentOrders, position: Position | None, now_ms: int, params: ExecutionParams) -> list[Command]:
    """Orders that an earlier process left unrecorded go, once nothing depends on them."""
    if position is not None and book.confirmed_base(position.side) < position.quantity_base:
        return []
    venue, coin = book.instrument.venue, book.instrument.coin
    waiting = [one for one, asked_ms in book.orphaned.items() if not asked_ms or now_ms - asked_ms >= params.unknown_ms]
    return [CancelOrder(client_id, venue, coin, book.account) for client_id in waiting]


def _ask(book: InstrumentOrders, now_ms: int, params: ExecutionParams) -> list[Command]:
    """Queries for orders that stay silent. What is unknown is queried, never sent again."""
    return [
        _question(order)
        for order in book.live()
        if not (order.confirmed or order.dormant) and now_ms - order.sent_ms >= _patience_ms(order, now_ms, params)
    ]


def _question(order: Order) -> QueryOrder:
    command = order.command
    query = QueryOrder(order.client_id, command.venue, command.coin, command.account)
    if not order.attached:
        return query
    return msgspec.structs.replace(query, stop_price=command.trigger_price, stop_base=order.remaining_base)


def _patience_ms(order: Order, now_ms: int, params: ExecutionParams) -> int:
    """Before the next question. It grows with every one, but a stop's fate is certain seconds after it was sent, and
    within the time that a position may be without one something has to be done about it."""
    if order.query_count == 0:
        # Nobody answers for a stop that came with its entry: it must be looked for.
        return 0 if order.attached and order.state is OrderState.INTENDED else params.unknown_ms
    patience_ms = min(params.query_ms << min(order.query_count - 1, 16), params.query_ms_max)
    own_stop = order.purpose is Purpose.STOP and not order.attached
    urgent = own_stop and now_ms - order.placed_ms <= params.unprotected_ms_max
    return min(patience_ms, params.query_ms // 2) if urgent else patience_ms


def _cancel(order: Order) -> CancelOrder:
    return CancelOrder(order.client_id, order.command.venue, order.command.coin, order.command.account)
