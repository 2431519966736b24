"""Commands as they arrive at the exchange, each answered with facts."""

from decimal import Decimal

import msgspec

from liqbot import events
from liqbot.commands import CancelOrder, Command, OrderKind, PlaceOrder, QueryOrder, SetLeverage
from liqbot.events import Event
from liqbot.instruments import split_venue_key
from liqbot.venues.registry import VENUES
from paper.exchange import attached_stops, rules
from paper.exchange.accounts import ExchangeAccounts, accepted, name_of
from paper.exchange.matching import Resting


def obey(
    accounts: ExchangeAccounts, command: Command, price: float, mark_price: float, time_ms: int
) -> tuple[Event, ...]:
    """Prices are 0 when nothing is known of them. An instrument not listed here is a KeyError."""
    if isinstance(command, PlaceOrder):
        return _place(accounts, command, price, mark_price, time_ms)
    if isinstance(command, CancelOrder):
        return _cancel(accounts, command, time_ms)
    if isinstance(command, QueryOrder):
        return (_outcome(accounts, command, time_ms),)
    return (_set_leverage(accounts, command, price, time_ms),)


def _place(
    accounts: ExchangeAccounts, order: PlaceOrder, price: float, mark_price: float, time_ms: int
) -> tuple[Event, ...]:
    key = (order.venue, order.coin)
    if _resting(accounts, order.client_id) is not None or order.client_id in accounts.entries.ended:
        # A resend is the same order: it is told what became of the first.
        return (_outcome(accounts, order, time_ms),)
    circumstances = rules.Circumstances(
        instrument=accounts.instruments[key],
        mechanics=accounts.mechanics[key],
        holding=accounts.holding(key),
        leverage=accounts.entries.leverages[name_of(key)],
        available_usd=accounts.available_usd(order.venue),
        price=price,
        mark_price=mark_price,
        open_reducing_base=_open_reducing_base(accounts, order),
    )
    refused = rules.refusal(order, circumstances, accounts.params)
    if refused is not None:
        rejected = events.OrderRejected(
            time_ms=time_ms,
            venue=order.venue,
            coin=order.coin,
            client_id=order.client_id,
            code=refused.code,
            reason=refused.reason,
        )
        return (accounts.end(rejected, order.client_id),)
    accounts.entries.orders_seen += 1
    crossing = order.immediate or rules.crosses(order, price)
    resting = Resting(order, accounts.entries.orders_seen, crossing=crossing, not_before_ms=time_ms)
    accounts.entries.resting.append(resting)
    return (accepted(resting, time_ms),)


def _open_reducing_base(accounts: ExchangeAccounts, order: PlaceOrder) -> Decimal:
    """Stops that wait for their trigger are no orders yet."""
    spec = VENUES.get(split_venue_key(order.venue)[0])
    if spec is None or not spec.reduce_only_counts_open_orders:
        return Decimal(0)
    resting = accounts.resting((order.venue, order.coin))
    counted = [one for one in resting if one.command.reduce_only and one.command.kind is not OrderKind.STOP_MARKET]
    return sum((one.rest_base for one in counted), Decimal(0))


def _cancel(accounts: ExchangeAccounts, command: CancelOrder, time_ms: int) -> tuple[Event, ...]:
    order = _resting(accounts, command.client_id)
    if order is not None:
        gone = accounts.remove(order, "cancelled", time_ms)
        return (gone, *attached_stops.after_entry(accounts, order, time_ms))
    refused = events.CancelRejected(
        time_ms=time_ms,
        venue=command.venue,
        coin=command.coin,
        client_id=command.client_id,
        reason="no such order is resting",
    )
    return (refused,)


def _outcome(accounts: ExchangeAccounts, query: QueryOrder | PlaceOrder, time_ms: int) -> Event:
    order = _resting(accounts, query.client_id)
    if order is not None:
        return accepted(order, time_ms)
    last_word = accounts.entries.ended.get(query.client_id)
    if last_word is not None:
        return msgspec.structs.replace(last_word, time_ms=time_ms)
    return events.OrderMissing(time_ms=time_ms, venue=query.venue, coin=query.coin, client_id=query.client_id)


def _resting(accounts: ExchangeAccounts, client_id: str) -> Resting | None:
    return next((order for order in accounts.entries.resting if order.command.client_id == client_id), None)


def _set_leverage(accounts: ExchangeAccounts, command: SetLeverage, price: float, time_ms: int) -> Event:
    """Beyond the lowest tier's limit, or while a position or an entry is there, the old one is confirmed instead."""
    key = (command.venue, command.coin)
    entries = [order for order in accounts.resting(key) if not order.command.reduce_only]
    allowed = 1 <= command.leverage <= accounts.mechanics[key].leverage_max(0.0, price or None)
    if allowed and not entries and accounts.holding(key) is None:
        accounts.entries.leverages[name_of(key)] = command.leverage
    return accounts.leverage_confirmed(key, time_ms)
