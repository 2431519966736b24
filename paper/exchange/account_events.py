"""What reaches an account without a command of its holder: the venue's doing, others' losses, a hand on the app."""

from decimal import Decimal

from liqbot import events
from liqbot.commands import PlaceOrder
from liqbot.events import Event
from paper.exchange import attached_stops
from paper.exchange.accounts import ExchangeAccounts, accepted, name_of
from paper.exchange.matching import Resting
from paper.exchange.money import margin_needed, micro
from paper.exchange.quotes import Key


def deleverage(
    accounts: ExchangeAccounts, key: Key, price: Decimal, quantity_base: Decimal, time_ms: int
) -> tuple[Event, ...]:
    """A part of the position is taken at the loser's bankruptcy price, without a fee; never more than there is."""
    held = accounts.holding(key)
    if held is None:
        return ()
    quantity_base = min(quantity_base, held.quantity_base)
    realised_usd = held.profit_usd(price, quantity_base)
    held.remove(quantity_base)
    accounts.book(key[0], realised_usd=realised_usd)
    accounts.reprice(key)
    taken = events.PositionDeleveraged(
        time_ms=time_ms, venue=key[0], coin=key[1], side=held.side, price=price, quantity_base=quantity_base,
        event_id=accounts.new_event_id(),
    )
    return (taken, accounts.balance(key, time_ms), *attached_stops.after_position(accounts, key, time_ms))


def set_leverage_by_hand(accounts: ExchangeAccounts, key: Key, leverage: int, time_ms: int) -> tuple[Event, ...]:
    """Also that of an open position, whose isolated margin follows: higher leverage brings its liquidation nearer."""
    accounts.entries.leverages[name_of(key)] = leverage
    held = accounts.holding(key)
    if held is not None:
        held.leverage, held.margin_usd = leverage, margin_needed(held.cost_usd, leverage)
        accounts.reprice(key)
    return (accounts.leverage_confirmed(key, time_ms),)


def order_by_hand(accounts: ExchangeAccounts, order: PlaceOrder, time_ms: int) -> tuple[Event, ...]:
    """Somebody else's order on our account comes to rest."""
    accounts.entries.orders_seen += 1
    resting = Resting(order, accounts.entries.orders_seen, crossing=False)
    accounts.entries.resting.append(resting)
    return (accepted(resting, time_ms),)


def drop_order(accounts: ExchangeAccounts, client_id: str, reason: str, time_ms: int) -> tuple[Event, ...]:
    """The venue removes a resting order."""
    found = [order for order in accounts.entries.resting if order.command.client_id == client_id]
    gone = tuple(accounts.remove(order, reason, time_ms) for order in found)
    made = (fact for order in found for fact in attached_stops.after_entry(accounts, order, time_ms))
    return (*gone, *made)


def pay_rebate(accounts: ExchangeAccounts, key: Key, amount_usd: Decimal, time_ms: int) -> tuple[Event, ...]:
    amount_usd = micro(amount_usd)
    accounts.book(key[0], rebate_usd=amount_usd)
    paid = events.Rebate(
        time_ms=time_ms, venue=key[0], coin=key[1], event_id=accounts.new_event_id(), amount_usd=amount_usd
    )
    return paid, accounts.balance(key, time_ms)


def close_by_hand(accounts: ExchangeAccounts, key: Key, price: Decimal, time_ms: int) -> tuple[Event, ...]:
    """The holder closes everything in the venue's app: orders go, the position goes at this price, without a fee."""
    gone = tuple(accounts.remove(order, "by hand", time_ms) for order in accounts.resting(key))
    held = accounts.holding(key)
    if held is None:
        return gone
    realised_usd = held.profit_usd(price, held.quantity_base)
    held.remove(held.quantity_base)
    accounts.book(key[0], realised_usd=realised_usd)
    accounts.reprice(key)
    return (*gone, accounts.balance(key, time_ms))
