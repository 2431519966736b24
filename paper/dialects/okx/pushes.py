"""OKX's private streams: what happened to an account as pushes of orders, algo orders, positions and balance."""

from collections.abc import Iterator
from typing import Final

import msgspec

from liqbot import events
from liqbot.events import Event
from paper.dialects.accounts import OrderRecord, VenueAccount
from paper.dialects.okx.account import balance_row, position_row
from paper.dialects.okx.channels import ACCOUNT, Arg, args_about
from paper.dialects.okx.listing import Row, Swap, Swaps
from paper.dialects.okx.payloads import algo_row, filled_row, order_id, order_row, visible
from paper.exchange.exchange import Happened

Sent = tuple[str, bytes]
_OUTSIDE_POSITIONS: Final = (events.Transfer, events.Rebate)


class Pushes:
    """Orders first, then the positions and the balance that follow from them."""

    def __init__(self, swaps: Swaps) -> None:
        self._swaps = swaps

    def of(self, account: VenueAccount, happened: Happened) -> Iterator[Sent]:
        for fact in happened.facts:
            yield from self._of_fact(account, fact)
        balances = [fact for fact in happened.facts if isinstance(fact, events.Balance)]
        # A balance that moved for no other reason than a payment from outside leaves positions as they were.
        aside = any(isinstance(fact, _OUTSIDE_POSITIONS) for fact in happened.facts)
        levers = [
            fact for fact in happened.facts
            if isinstance(fact, events.LeverageConfirmed) and account.holding(fact.coin) is not None
        ]
        for coin in dict.fromkeys(fact.coin for fact in (*levers, *(() if aside else balances))):
            swap = self._swaps.of[coin]
            yield from _pushed("positions", swap, position_row(account, swap, account.holding(coin)))
        if balances:
            yield self.balance(account)

    def _of_fact(self, account: VenueAccount, fact: Event) -> Iterator[Sent]:
        if isinstance(fact, events.PositionLiquidated | events.PositionDeleveraged):
            theirs = next(one for one in reversed(account.orders.values()) if one.forced)
            swap = self._swaps.of[fact.coin]
            yield from _pushed("orders", swap, filled_row(account, swap, theirs, theirs.fills[-1]))
        elif isinstance(fact, events.Fill | events.OrderAccepted | events.OrderCancelled | events.OrderRejected):
            record = account.orders.get(fact.client_id)
            if record is not None and visible(record):
                yield from self._of_order(account, record, fact)

    def _of_order(self, account: VenueAccount, record: OrderRecord, fact: Event) -> Iterator[Sent]:
        """A stop tells of itself; once triggered the order it became tells of its fills."""
        swap = self._swaps.of[record.command.coin]
        if record.is_stop:
            first = isinstance(fact, events.Fill) and fact.fill_id == record.fills[0].fill.fill_id
            if first or not record.triggered:
                yield from _pushed("orders-algo", swap, algo_row(account, swap, record))
        if isinstance(fact, events.Fill):
            filled = next(one for one in record.fills if one.fill.fill_id == fact.fill_id)
            yield from _pushed("orders", swap, filled_row(account, swap, record, filled))
        elif order_id(record):
            yield from _pushed("orders", swap, order_row(account, swap, record))

    def balance(self, account: VenueAccount) -> Sent:
        arg = Arg(ACCOUNT)
        return arg.topic, arg.message(msgspec.json.encode([balance_row(account, self._swaps)]))

    def at_once(self, account: VenueAccount, arg: Arg) -> bytes | None:
        """The snapshot that a new subscription of the balance or of positions begins with."""
        if arg.channel == ACCOUNT:
            return self.balance(account)[1]
        if arg.channel != "positions":
            return None
        held = [
            position_row(account, swap, account.holding(swap.coin)) for swap in self._swaps.of.values()
            if account.holding(swap.coin) is not None and arg.inst_id in ("", swap.inst_id)
            and arg.inst_family in ("", swap.family)
        ]
        return arg.message(msgspec.json.encode(held))


def _pushed(channel: str, swap: Swap, row: Row) -> Iterator[Sent]:
    """To every subscription that includes this swap."""
    data = msgspec.json.encode([row])
    for arg in args_about(channel, swap):
        yield arg.topic, arg.message(data)
