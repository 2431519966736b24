"""`Rescue`: what the account's edge does alone when the house around it has failed: a missing stop is placed.

It decides nothing new: the price is that of the target that was approved, the size that of the position as the venue
tells it.
"""

import asyncio
from decimal import Decimal
from typing import Final

import structlog

from liqbot.accounting.positions import Position
from liqbot.commands import OrderKind, PlaceOrder, Purpose
from liqbot.execution.client_order_id import purpose_of
from liqbot.execution.edge.account import AccountEdge
from liqbot.execution.edge.order_status import ChannelCaller
from liqbot.execution.order_manager import OrderManager
from liqbot.instruments import Side
from liqbot.venues.errors import VenueError
from liqbot.venues.trading import ZERO, OrderReport, PositionReport, TradedContract

ROUND_S: Final = 0.25
_log = structlog.get_logger(__name__)


class Rescue:
    """Of one account. The order manager is read, and gives client ids that are new."""

    def __init__(self, edge: AccountEdge, order_manager: OrderManager) -> None:
        self._edge, self._order_manager = edge, order_manager
        self._asking = ChannelCaller(edge.client, "urgent")
        self._sent: dict[str, PlaceOrder] = {}

    async def run(self, for_s: float) -> tuple[str, ...]:
        """Until everything of ours is under stops that were read back, or the time is up: then what is left, in
        words."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + for_s
        while True:
            left = [word for traded in self._edge.traded if (word := await self._contract(traded))]
            under_way = bool(self._edge.orders.submitting)
            if (not left and not under_way) or loop.time() >= until_s:
                return tuple(left)
            await asyncio.sleep(ROUND_S)

    async def _contract(self, traded: TradedContract) -> str:
        """Empty when it needs nothing."""
        adapter, client = self._edge.adapter, self._asking
        try:
            position = await adapter.position(client, traded)
            resting = await adapter.resting(client, traded) if position.signed_base else []
        except VenueError as error:
            return f"{traded.instrument.symbol}: not read: {error}"
        held_base = abs(position.signed_base)
        covered_base = sum((self._stop_base(order, held_base) for order in resting), ZERO)
        if held_base <= covered_base:
            return ""
        return await self._protect(traded, position)

    def _stop_base(self, order: OrderReport, held_base: Decimal) -> Decimal:
        ours = order.trigger_price is not None and order.reduce_only and self._edge.orders.ours(order.client_id)
        if ours and order.whole_position:
            return held_base
        return order.quantity_base - order.filled_base if ours else ZERO

    async def _entered(self, traded: TradedContract) -> bool:
        """An entry of ours has filled, whether or not the house has received the fill."""
        resolver = self._edge.resolver
        for read in (resolver.read_fills, resolver.find_owners):  # those that are known first: others' may be many
            try:
                await read(traded)
            except VenueError as error:
                _log.warning("fills not read", coin=traded.instrument.coin, error=str(error))
            if any(purpose_of(client_id) is Purpose.ENTRY for client_id in self._edge.orders.filled_base):
                return True
        return False

    async def _protect(self, traded: TradedContract, position: PositionReport) -> str:
        instrument, quantity_base = traded.instrument, abs(position.signed_base)
        side = Side.LONG if position.signed_base > 0 else Side.SHORT
        word = f"{side.word} {quantity_base} {instrument.symbol} without a stop"
        book = self._order_manager.book(instrument.venue, instrument.coin)
        held = Position(instrument.venue, instrument.coin, side, quantity_base, position.entry_price, opened_ms=0)
        target = book.target_for(side)
        if target is None or not (book.ours(held) or await self._entered(traded)):
            return f"{word}: not known to be ours"
        sent = self._sent.get(instrument.coin)
        if sent is not None and sent.client_id in self._edge.orders.submitting and sent.quantity_base >= quantity_base:
            return word
        order = PlaceOrder(
            client_id=self._order_manager.mint(Purpose.STOP), venue=instrument.venue, coin=instrument.coin,
            decision_id=target.decision_id, purpose=Purpose.STOP, kind=OrderKind.STOP_MARKET, side=side,
            quantity_base=quantity_base, reduce_only=True, trigger_price=target.stop_price, account=book.account,
        )
        _log.error("placing the missing stop", client_id=order.client_id, trigger_price=str(order.trigger_price))
        self._sent[instrument.coin] = order
        await self._edge.broker.send((order,), 0)
        return word
