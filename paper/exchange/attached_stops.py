"""Stops that ride on an entry, as the venue of the instrument makes them: of the position, or of the one order.

A stop of the position is there with the first fill, grows with every further one and goes with the position. A stop of
the order is made when the order has ended, over what it filled, and stays.
"""

import msgspec

from liqbot.events import Event
from liqbot.venues.entry_stops import AttachedStop, attached_order
from liqbot.venues.registry import protection_of
from paper.exchange.accounts import ExchangeAccounts, accepted
from paper.exchange.matching import Resting
from paper.exchange.quotes import Key


def after_entry(accounts: ExchangeAccounts, entry: Resting, time_ms: int) -> tuple[Event, ...]:
    """To be called when an entry has filled, in part or whole, and when what is left of it has gone."""
    rides = _rides(entry)
    if rides is None or not entry.filled_base:
        return ()
    resting = entry in accounts.entries.resting
    if rides.scope == "order" and resting:
        return ()
    known = _stop_of(accounts, entry.command.stop_client_id)
    if known is not None:
        known.command = msgspec.structs.replace(known.command, quantity_base=entry.filled_base)
        return ()
    if entry.command.stop_client_id in accounts.entries.ended:
        return ()
    accounts.entries.orders_seen += 1
    command = msgspec.structs.replace(attached_order(entry.command), quantity_base=entry.filled_base)
    stop = Resting(command, accounts.entries.orders_seen, rode_in=True)
    accounts.entries.resting.append(stop)
    return (accepted(stop, time_ms),)


def after_position(accounts: ExchangeAccounts, key: Key, time_ms: int) -> tuple[Event, ...]:
    """To be called when a position may have gone: its own stop goes with it."""
    rides = protection_of(key[0]).attached
    if rides is None or rides.scope != "position" or accounts.holding(key) is not None:
        return ()
    mine = [one for one in accounts.resting(key) if one.rode_in]
    return tuple(accounts.remove(stop, "POSITION_CLOSED", time_ms) for stop in mine)


def _rides(entry: Resting) -> AttachedStop | None:
    return protection_of(entry.command.venue).attached if entry.command.stop_client_id else None


def _stop_of(accounts: ExchangeAccounts, stop_client_id: str) -> Resting | None:
    return next((one for one in accounts.entries.resting if one.command.client_id == stop_client_id), None)
