"""Bybit v5: orders: placing, cancelling, and what is reported of them."""

from decimal import Decimal
from typing import Any, Final

from liqbot import events
from liqbot.commands import CancelOrder, PlaceOrder
from liqbot.instruments import Instrument
from paper.dialects.accounts import OrderRecord, VenueAccount, VenueOrderState
from paper.dialects.bybit import attached_stops
from paper.dialects.bybit.errors import (
    BY_EXCHANGE_CODE,
    CATEGORY,
    ORDER_ID,
    BybitNames,
    BybitRefused,
    Params,
    Row,
    amount_of,
    count_of,
    identity,
    linear,
    page,
    time_range,
)
from paper.dialects.bybit.payloads import POST_ONLY_REFUSED, TIMES_IN_FORCE, Rows, status_of, visible
from paper.dialects.order_entry import PLAIN, NotModelled, OrderRequest, order_of, passes_by
from paper.dialects.trade_prints import plain

LINK_ID_LENGTH_MAX: Final = 36
RECENT_MAX: Final = 500
"""So many closed orders can still be found among the current ones."""
MODELLED: Final = frozenset(
    {
        "category", "symbol", "side", "orderType", "qty", "price", "timeInForce", "orderLinkId", "reduceOnly",
        "triggerPrice", "triggerDirection", "triggerBy", "positionIdx", "closeOnTrigger", *attached_stops.FIELDS,
    }
)  # fmt: skip
_UNKNOWN_ORDER: Final = (110001, "order not exists or too late to cancel")


class OrderRequests:
    """Handlers of `/v5/order/...`; every one is given account and parameters and gives what stands in `result`."""

    def __init__(self, names: BybitNames, rows: Rows) -> None:
        self._names, self._rows = names, rows

    # --- placing ---------------------------------------------------------------------------------------------------

    async def create(self, account: VenueAccount, params: Params) -> Row:
        one = self._named(params)
        link_id = str(params.get("orderLinkId", ""))
        self._check(account, params, link_id)
        kept = {name: _text(value) for name, value in params.items()}
        kept["lastPriceOnCreated"] = plain(self._names.hub.ticker(one.venue, one.coin).last_price)
        if not link_id:
            link_id, kept["unnamed"] = f"x{self._names.hub.next_order()}", "true"
        command = self._command(account, params, link_id, one)
        facts = await self._names.hub.execute(account, command, kept)
        refused = next((fact for fact in facts if isinstance(fact, events.OrderRejected)), None)
        if refused is not None and refused.code != POST_ONLY_REFUSED:
            raise self._refusal(account, refused, params, one)
        order = account.orders[link_id]
        return {"orderId": identity(ORDER_ID, order.number), "orderLinkId": self._rows.link_id(order)}

    def _named(self, params: Params) -> Instrument:
        if not linear(params):
            raise self._names.not_modelled(f"an order of category {params['category']!r}")
        return self._names.instrument(params)

    def _check(self, account: VenueAccount, params: Params, link_id: str) -> None:
        strange = sorted(name for name in params if name not in MODELLED)
        if strange:
            raise self._names.not_modelled(f"order parameters {', '.join(strange)}")
        if not link_id.replace("-", "").replace("_", "").isalnum() and link_id:
            raise BybitRefused(10001, "params error: orderLinkId invalid")
        if len(link_id) > LINK_ID_LENGTH_MAX:
            raise BybitRefused(10001, "params error: OrderLinkedID is too long")
        known = account.order(client_id=link_id) if link_id else None
        if known is not None and known.state is VenueOrderState.REJECTED and not visible(known):
            raise self._names.not_modelled(f"the id {link_id} of a refused order used again")
        if known is not None:
            raise BybitRefused(110072, "OrderLinkedID is duplicate")
        if account.hedge_mode or _text(params.get("positionIdx", 0)) != "0":
            raise BybitRefused(10001, "position idx not match position mode")

    def _command(self, account: VenueAccount, params: Params, link_id: str, one: Instrument) -> PlaceOrder:
        try:
            wish = self._wish(params, link_id, one)
            command = order_of(wish, account)
        except NotModelled as error:
            raise self._names.not_modelled(str(error)) from None
        last_price = self._names.hub.ticker(one.venue, one.coin).last_price
        if not account.isolated[one.coin] and not passes_by(wish, last_price):
            raise self._names.not_modelled("trading in cross margin")
        return command

    def _wish(self, params: Params, link_id: str, one: Instrument) -> OrderRequest:
        side, kind = params.get("side"), params.get("orderType")
        if side not in ("Buy", "Sell"):
            raise BybitRefused(10001, "Side invalid")
        if kind not in ("Market", "Limit"):
            raise BybitRefused(10001, "OrderType invalid")
        quantity = amount_of(params, "qty", "Qty invalid")
        trigger = amount_of(params, "triggerPrice", "TriggerPrice invalid") if params.get("triggerPrice") else None
        limit = amount_of(params, "price", "price invalid") if kind == "Limit" else None
        usual = "GTC" if kind == "Limit" else "IOC"
        in_force = str(params.get("timeInForce") or usual)
        if in_force not in (TIMES_IN_FORCE if kind == "Limit" else ("PostOnly", usual)):
            raise NotModelled(f"a {kind} order that is {in_force}")
        if in_force == "PostOnly" and kind == "Market":
            raise BybitRefused(10001, "Market order not support PostOnly")
        reduces = params.get("reduceOnly") is True
        if params.get("closeOnTrigger") is True and not reduces:
            raise NotModelled("closeOnTrigger without reduceOnly")
        if trigger is not None:
            self._check_trigger(params, limit, buys=side == "Buy")
        stop_price = attached_stops.stop_price(params)
        return OrderRequest(
            client_id=link_id, coin=one.coin, buys=side == "Buy", quantity_base=quantity, reduce_only=reduces,
            limit_price=limit, trigger_price=trigger, stop_price=stop_price,
            terms=TIMES_IN_FORCE[in_force] if kind == "Limit" else PLAIN,
            stop_client_id="" if stop_price is None else attached_stops.name_of(link_id),
        )

    def _check_trigger(self, params: Params, limit: Decimal | None, *, buys: bool) -> None:
        direction = _text(params.get("triggerDirection", ""))
        if direction not in ("1", "2"):
            raise BybitRefused(10001, "TriggerDirection invalid")
        if params.get("triggerBy", "LastPrice") != "MarkPrice":
            raise NotModelled(f"a stop triggered by {params.get('triggerBy', 'LastPrice')}")
        if limit is not None:
            raise NotModelled("a conditional limit order")
        if direction != ("1" if buys else "2"):
            raise NotModelled("a conditional order that takes profit")

    def _refusal(
        self, account: VenueAccount, refused: events.OrderRejected, params: Params, one: Instrument
    ) -> BybitRefused:
        held = account.holding(one.coin)
        if refused.code == "WOULD_TRIGGER":
            mark, price = plain(account.mark_price(one.coin)), _text(params.get("triggerPrice", ""))
            if _text(params.get("triggerDirection", "")) == "1":
                return BybitRefused(110092, f"expect Rising, but trigger_price[{price}] <= current[{mark}]??MarkPrice")
            return BybitRefused(110093, f"expect Falling, but trigger_price[{price}] >= current[{mark}]??MarkPrice")
        if refused.code == "PRECISION":
            return BybitRefused(10001, "Qty invalid" if refused.reason.startswith("quantity") else "price invalid")
        if refused.code == "REDUCE_ONLY" and held is not None:
            return BybitRefused(110017, "Reduce-only rule not satisfied")
        code, text = BY_EXCHANGE_CODE[refused.code]
        return BybitRefused(code, text.replace("{least}", plain(one.min_notional_usd)))

    # --- cancelling ------------------------------------------------------------------------------------------------

    async def cancel(self, account: VenueAccount, params: Params) -> Row:
        one = self._named(params)
        order = self._found(account, params)
        if order is None or not order.open or order.command.coin != one.coin:
            raise BybitRefused(*_UNKNOWN_ORDER)
        await self._cancel(account, order)
        return {"orderId": identity(ORDER_ID, order.number), "orderLinkId": self._rows.link_id(order)}

    async def _cancel(self, account: VenueAccount, order: OrderRecord) -> None:
        command = CancelOrder(order.command.client_id, account.venue, order.command.coin)
        facts = await self._names.hub.execute(account, command)
        if not any(isinstance(fact, events.OrderCancelled) for fact in facts):
            raise BybitRefused(*_UNKNOWN_ORDER)

    async def cancel_all(self, account: VenueAccount, params: Params) -> Row:
        if not linear(params):
            return {"list": [], "success": "1"}
        gone: list[Row] = []
        for order in self._current(account, params):
            try:
                await self._cancel(account, order)
            except BybitRefused:
                continue  # it filled while its siblings were cancelled
            gone.append({"orderId": identity(ORDER_ID, order.number), "orderLinkId": self._rows.link_id(order)})
        return {"list": gone, "success": "1"}

    # --- reading ---------------------------------------------------------------------------------------------------

    async def realtime(self, account: VenueAccount, params: Params) -> Row:
        """Open orders, newest first; or one that is named, whatever became of it; or with `openOnly=1` those closed
        recently."""
        if not linear(params):
            return {"category": params["category"], "list": [], "nextPageCursor": ""}
        if params.get("orderId") or params.get("orderLinkId"):
            order = self._found(account, params)
            chosen = [order] if order is not None and self._fits(order, params) else []
        elif _text(params.get("openOnly", "0")) == "1":
            closed = [one for one in self._all(account, params) if not one.open]
            chosen = closed[-RECENT_MAX:]
        else:
            chosen = self._current(account, params)
        return self._listed(chosen, params, usual=20)

    async def history(self, account: VenueAccount, params: Params) -> Row:
        """Closed orders, newest first."""
        if not linear(params):
            return {"category": params["category"], "list": [], "nextPageCursor": ""}
        if params.get("orderId") or params.get("orderLinkId"):
            order = self._found(account, params)
            closed = [order] if order is not None and not order.open and self._fits(order, params) else []
            return self._listed(closed, params, usual=20)
        start_ms, end_ms = time_range(params, account.now_ms)
        wanted = params.get("orderStatus", "")
        within = [
            one for one in self._all(account, params)
            if start_ms <= one.created_ms <= end_ms and not one.open and wanted in ("", status_of(one))
        ]
        return self._listed(within, params, usual=20)

    def _listed(self, orders: list[OrderRecord], params: Params, *, usual: int) -> Row:
        rows, cursor = page([self._rows.order(one) for one in reversed(orders)], params, usual=usual, most=50)
        return {"category": CATEGORY, "list": rows, "nextPageCursor": cursor}

    def _current(self, account: VenueAccount, params: Params) -> list[OrderRecord]:
        if not any(params.get(name) for name in ("symbol", "settleCoin", "baseCoin")):
            raise BybitRefused(10001, "params error: symbol or settleCoin or baseCoin is needed")
        return [one for one in account.open_orders() if self._fits(one, params)]

    def _all(self, account: VenueAccount, params: Params) -> list[OrderRecord]:
        return [one for one in account.orders.values() if visible(one) and self._fits(one, params)]

    def _found(self, account: VenueAccount, params: Params) -> OrderRecord | None:
        link_id = _text(params.get("orderLinkId", ""))
        number = count_of(ORDER_ID, _text(params.get("orderId", "")))
        order = account.order(client_id="" if number else link_id, number=number) if number or link_id else None
        return order if order is not None and visible(order) else None

    def _fits(self, order: OrderRecord, params: Params) -> bool:
        coin, stop = order.command.coin, order.command.trigger_price is not None
        wanted = params.get("orderFilter", "")
        if wanted not in ("", "Order", "StopOrder"):
            raise self._names.not_modelled(f"orders filtered by {wanted}")
        if params.get("symbol") and self._names.instrument(params).coin != coin:
            return False
        return params.get("baseCoin", coin) == coin and (not wanted or (wanted == "StopOrder") is stop)


def _text(value: Any) -> str:
    """As a string of the venue: a JSON `true` is `true`."""
    return str(value).lower() if isinstance(value, bool) else str(value)
