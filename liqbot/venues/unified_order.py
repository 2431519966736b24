"""An order of ours as a call of the unified client's `create_order`; what only one venue wants comes as `params`."""

from typing import Annotated, Any

import msgspec

from liqbot.commands import OrderKind, PlaceOrder
from liqbot.instruments import Side
from liqbot.venues.trading import AccountSettings, Call, TradedContract


class PlacedOrder(msgspec.Struct):
    """Of what the unified client answers; the rest is read back."""

    id: Annotated[str, msgspec.Meta(min_length=1)]


def buys(order: PlaceOrder) -> bool:
    """Opening a long or closing a short."""
    return (order.side is Side.LONG) is not order.reduce_only


def unified_params(order: PlaceOrder) -> dict[str, Any]:
    """What the unified client takes in the same words at every venue; it turns them into each venue's own."""
    params: dict[str, Any] = {"clientOrderId": order.client_id}
    if order.reduce_only:
        params["reduceOnly"] = True
    if order.post_only:
        params["postOnly"] = True
    if order.immediate:
        params["timeInForce"] = "IOC"
    return params


def unified_order(order: PlaceOrder, traded: TradedContract, params: dict[str, Any]) -> Call:
    """Markets and stops are `market` orders there; quantities in contracts.

    The client takes floats and writes them with the venue's own precision: the values are multiples of the venue's
    step and tick, and the shortest text of such a float is the decimal it came from.
    """
    kind = "limit" if order.kind is OrderKind.LIMIT else "market"
    price = float(order.limit_price) if order.limit_price is not None and kind == "limit" else None
    side = "buy" if buys(order) else "sell"
    amount = float(traded.contracts(order.quantity_base))
    return Call("create_order", (traded.instrument.symbol, kind, side, amount, price, params))


def settings_calls(
    traded: TradedContract, leverage: int, found: AccountSettings, *, margin: tuple[Any, ...]
) -> tuple[Call, ...]:
    """What is missing to one-way positions, isolated margin and this leverage, one call of the client's for each;
    `margin` is what its `set_margin_mode` takes."""
    symbol, calls = traded.instrument.symbol, []
    if not found.one_way:
        calls.append(Call("set_position_mode", (False, symbol)))
    if not found.isolated:
        calls.append(Call("set_margin_mode", margin))
    if found.leverage != leverage:
        calls.append(Call("set_leverage", (leverage, symbol)))
    return tuple(calls)
