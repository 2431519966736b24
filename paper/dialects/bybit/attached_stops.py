"""Bybit v5: the stop of a position that rides on an entry: what an order says of it, how it is shown and taken away.

Only the whole-position mode on the mark is modelled. The venue gives such a stop no link id; it names the order that
brought it along. Sources: v5 place order and set trading stop (24 July 2026), changelog (7 January 2026).
"""

from decimal import Decimal
from typing import Final

from liqbot import events
from liqbot.commands import CancelOrder
from paper.dialects.accounts import OrderRecord, VenueAccount
from paper.dialects.bybit.errors import BybitNames, BybitRefused, Params, Row, amount_of, linear
from paper.dialects.order_entry import NotModelled

FIELDS: Final = ("stopLoss", "slTriggerBy", "tpslMode")
_RIDES: Final = "sl-"
_TRADING_STOP: Final = frozenset(("category", "symbol", "tpslMode", "stopLoss", "positionIdx"))


def stop_price(params: Params) -> Decimal | None:
    """That an order brings along; None when it brings none."""
    if not params.get("stopLoss"):
        return None
    for name, right in (("slTriggerBy", "MarkPrice"), ("tpslMode", "Full")):
        if params.get(name) != right:
            raise NotModelled(f"a stopLoss with {name} {params.get(name)}")
    return amount_of(params, "stopLoss", "StopLoss invalid")


def name_of(link_id: str) -> str:
    """Of the stop that rides on an order: at the venue it has none, here it needs one."""
    return f"{_RIDES}{link_id}"


def shown(order: OrderRecord) -> Row:
    """What such a stop says instead of an ordinary conditional order."""
    return {
        "orderLinkId": "", "parentOrderLinkId": order.rode_in_with, "stopOrderType": "StopLoss", "tpslMode": "Full",
        "createType": "CreateByStopLoss", "closeOnTrigger": True, "reduceOnly": True,
    }  # fmt: skip


class TradingStop:
    """`/v5/position/trading-stop`, as far as it takes the position's own stop away."""

    def __init__(self, names: BybitNames) -> None:
        self._names = names

    async def set(self, account: VenueAccount, params: Params) -> Row:
        strange = sorted(name for name in params if name not in _TRADING_STOP)
        if strange or not linear(params) or params.get("tpslMode") != "Full" or str(params.get("stopLoss")) != "0":
            raise self._names.not_modelled(f"trading-stop with {dict(params)}")
        one = self._names.instrument(params)
        if account.holding(one.coin) is None:
            raise BybitRefused(10001, "can not set tp/sl/ts for zero position")
        own = [order for order in account.open_orders(one.coin) if order.rode_in_with]
        if not own:
            raise BybitRefused(34040, "not modified")
        for order in own:
            command = CancelOrder(order.command.client_id, account.venue, one.coin)
            facts = await self._names.hub.execute(account, command)
            if not any(isinstance(fact, events.OrderCancelled) for fact in facts):
                raise BybitRefused(34040, "not modified")
        return {}
