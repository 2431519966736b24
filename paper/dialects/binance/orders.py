"""Binance USD-M: placing, cancelling and reading orders, plain and conditional."""

import re
from collections.abc import Callable, Iterable
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from liqbot import events
from liqbot.commands import CancelOrder
from paper.dialects.accounts import OrderRecord, VenueAccount, VenueOrderState
from paper.dialects.binance import payloads
from paper.dialects.binance.errors import BY_EXCHANGE_CODE, BinanceGate, BinanceNames, BinanceRefused, Params, number
from paper.dialects.dialect import Handler
from paper.dialects.http import HttpAnswer
from paper.dialects.order_entry import NotModelled, OrderRequest, order_of, passes_by

_ID: Final = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}")
_COMMON: Final = frozenset({
    "symbol", "side", "type", "quantity", "positionSide", "reduceOnly", "timeInForce", "newOrderRespType",
    "selfTradePreventionMode", "priceProtect", "workingType",
})  # fmt: skip
ORDER: Final = _COMMON | {"price", "newClientOrderId"}
ALGO: Final = _COMMON | {"algoType", "clientAlgoId", "triggerPrice", "closePosition"}
WHOLE_POSITION_STEPS: Final = 10**9
"""An order that closes whatever there is is larger than any position; the exchange fills no more than there is."""

UNKNOWN_TO_CANCEL: Final = BinanceRefused(-2011, "Unknown order sent.")
NO_SUCH_ORDER: Final = BinanceRefused(-2013, "Order does not exist.")


class BinanceOrders:
    """Handlers for everything about orders."""

    def __init__(self, names: BinanceNames, door: BinanceGate) -> None:
        self._names, self._hub, self._door = names, names.hub, door

    def routes(self) -> dict[str, Handler]:
        signed, one = self._door.signed, frozenset({"symbol", "orderId", "origClientOrderId"})
        algo_one = frozenset({"symbol", "algoId", "clientAlgoId"})
        span = frozenset({"symbol", "orderId", "algoId", "startTime", "endTime", "limit", "page"})
        return {
            "POST /fapi/v1/order": signed(self._place, ORDER),
            "GET /fapi/v1/order": signed(self._read, one),
            "GET /fapi/v1/openOrder": signed(self._read_open, one),
            "DELETE /fapi/v1/order": signed(self._cancel, one),
            "GET /fapi/v1/openOrders": signed(self._open_orders, frozenset({"symbol"})),
            "GET /fapi/v1/allOrders": signed(self._all_orders, span),
            "DELETE /fapi/v1/allOpenOrders": signed(self._cancel_all, frozenset({"symbol"})),
            "POST /fapi/v1/algoOrder": signed(self._place_algo, ALGO),
            "GET /fapi/v1/algoOrder": signed(self._read_algo, algo_one),
            "DELETE /fapi/v1/algoOrder": signed(self._cancel_algo, algo_one),
            "GET /fapi/v1/openAlgoOrders": signed(self._open_algos, frozenset({"symbol", "algoType", "algoId"})),
            "GET /fapi/v1/allAlgoOrders": signed(self._all_algos, span),
            "DELETE /fapi/v1/algoOpenOrders": signed(self._cancel_all_algos, frozenset({"symbol"})),
        }

    # --- placing ---------------------------------------------------------------------------------------------------

    async def _place(self, account: VenueAccount, params: Params) -> HttpAnswer:
        kind = params.get("type", "")
        if kind not in ("LIMIT", "MARKET"):
            text = "Order type not supported for this endpoint. Please use the Algo Order API endpoints instead."
            raise BinanceRefused(-4120, text)
        in_force = params.get("timeInForce", "GTC")
        if in_force not in payloads.TIMES_IN_FORCE:
            raise self._names.not_modelled(f"timeInForce {in_force}")
        wish = OrderRequest(
            client_id=self._client_id(params, "newClientOrderId"),
            coin=self._names.instrument(params).coin,
            buys=_buys(params),
            quantity_base=_positive(params, "quantity"),
            reduce_only=params.get("reduceOnly") == "true",
            limit_price=_positive(params, "price") if kind == "LIMIT" else None,
            terms=payloads.TIMES_IN_FORCE[in_force],
        )
        record = await self._send(account, wish, params)
        return HttpAnswer(payloads.order(record, self._names))

    async def _place_algo(self, account: VenueAccount, params: Params) -> HttpAnswer:
        if params.get("algoType") != "CONDITIONAL" or params.get("type") != "STOP_MARKET":
            raise self._names.not_modelled(f"algo order {params.get('algoType')} {params.get('type')}")
        if params.get("workingType") != "MARK_PRICE":
            raise self._names.not_modelled(f"trigger on {params.get('workingType', 'CONTRACT_PRICE')}")
        one, whole = self._names.instrument(params), params.get("closePosition") == "true"
        if whole and ("quantity" in params or "reduceOnly" in params):
            raise BinanceRefused(-4136, "Target strategy invalid for orderType STOP_MARKET,closePosition true")
        quantity_base = one.quantity_step_base * WHOLE_POSITION_STEPS if whole else _positive(params, "quantity")
        wish = OrderRequest(
            client_id=self._client_id(params, "clientAlgoId"),
            coin=one.coin,
            buys=_buys(params),
            quantity_base=quantity_base,
            reduce_only=whole or params.get("reduceOnly") == "true",
            trigger_price=_positive(params, "triggerPrice"),
        )
        record = await self._send(account, wish, params)
        return HttpAnswer(payloads.algo(record, self._names))

    async def _send(self, account: VenueAccount, wish: OrderRequest, params: Params) -> OrderRecord:
        self._may_trade(account, wish, params)
        if account.order(client_id=wish.client_id) is not None:
            raise BinanceRefused(-4116, "ClientOrderId is duplicated.")
        try:
            command = order_of(wish, account)
        except NotModelled as error:
            raise self._names.not_modelled(str(error)) from None
        facts = await self._hub.execute(account, command, params=params)
        rejected = next((fact for fact in facts if isinstance(fact, events.OrderRejected)), None)
        if rejected is not None:
            code, text = BY_EXCHANGE_CODE[rejected.code]
            raise BinanceRefused(code, text.format(least=self._names.instrument(params).min_notional_usd))
        return account.orders[wish.client_id]

    def _may_trade(self, account: VenueAccount, wish: OrderRequest, params: Params) -> None:
        if not account.may_trade:
            raise BinanceRefused(-2015, "Invalid API-key, IP, or permissions for action.", 401)
        if account.hedge_mode or params.get("positionSide", "BOTH") != "BOTH":
            if account.hedge_mode:
                raise self._names.not_modelled("trading in hedge mode")
            raise BinanceRefused(-4061, "Order's position side does not match user's setting.")
        last_price = self._hub.ticker(account.venue, wish.coin).last_price
        if not account.isolated[wish.coin] and not passes_by(wish, last_price):
            raise self._names.not_modelled("trading in cross margin mode: set the margin type to isolated first")

    def _client_id(self, params: Params, name: str) -> str:
        client_id = params.get(name) or f"web_{self._hub.next_order()}"
        if not _ID.fullmatch(client_id):
            raise BinanceRefused(-4015, "Client order id length should be less than 36 chars")
        return client_id

    # --- one order -------------------------------------------------------------------------------------------------

    async def _read(self, account: VenueAccount, params: Params) -> HttpAnswer:
        record = self._found(account, params)
        if record is None:
            raise NO_SUCH_ORDER
        return HttpAnswer(payloads.order(record, self._names))

    async def _read_open(self, account: VenueAccount, params: Params) -> HttpAnswer:
        record = self._found(account, params)
        if record is None or not record.open:
            raise NO_SUCH_ORDER
        return HttpAnswer(payloads.order(record, self._names))

    async def _read_algo(self, account: VenueAccount, params: Params) -> HttpAnswer:
        record = self._found_algo(account, params)
        if record is None:
            raise NO_SUCH_ORDER
        return HttpAnswer(payloads.algo(record, self._names))

    async def _cancel(self, account: VenueAccount, params: Params) -> HttpAnswer:
        record = self._found(account, params)
        if record is None or not await self._cancelled(account, record):
            raise UNKNOWN_TO_CANCEL
        return HttpAnswer(payloads.order(record, self._names))

    async def _cancel_algo(self, account: VenueAccount, params: Params) -> HttpAnswer:
        record = self._found_algo(account, params)
        if record is None or not await self._cancelled(account, record):
            raise UNKNOWN_TO_CANCEL
        done = {"algoId": payloads.algo_id(record), "clientAlgoId": record.command.client_id}
        return HttpAnswer({**done, "code": "200", "msg": "success"})

    async def _cancelled(self, account: VenueAccount, record: OrderRecord) -> bool:
        command = record.command
        facts = await self._hub.execute(account, CancelOrder(command.client_id, command.venue, command.coin))
        return any(isinstance(fact, events.OrderCancelled) for fact in facts)

    def _found(self, account: VenueAccount, params: Params) -> OrderRecord | None:
        """A plain order, or the order that a trigger has made."""
        one = self._names.instrument(params)
        named = _named(account, params, "origClientOrderId", number(params, "orderId"))
        return next((order for order in named if order.command.coin == one.coin and _in_the_book(order)), None)

    def _found_algo(self, account: VenueAccount, params: Params) -> OrderRecord | None:
        algo_number = number(params, "algoId")
        order_number = algo_number - payloads.ALGO_IDS_FROM if algo_number is not None else None
        named = _named(account, params, "clientAlgoId", order_number)
        return next((order for order in named if payloads.is_algo(order) and _known(order)), None)

    # --- many ------------------------------------------------------------------------------------------------------

    async def _open_orders(self, account: VenueAccount, params: Params) -> HttpAnswer:
        return self._list(account, params, payloads.order, lambda order: order.open and not payloads.is_algo(order))

    async def _all_orders(self, account: VenueAccount, params: Params) -> HttpAnswer:
        return self._list(account, params, payloads.order, _in_the_book)

    async def _open_algos(self, account: VenueAccount, params: Params) -> HttpAnswer:
        return self._list(account, params, payloads.algo, lambda order: order.open and payloads.is_algo(order))

    async def _all_algos(self, account: VenueAccount, params: Params) -> HttpAnswer:
        return self._list(account, params, payloads.algo, lambda order: _known(order) and payloads.is_algo(order))

    def _list(
        self,
        account: VenueAccount,
        params: Params,
        shape: Callable[[OrderRecord, BinanceNames], dict[str, Any]],
        chosen: Callable[[OrderRecord], bool],
    ) -> HttpAnswer:
        coins = {one.coin for one in self._names.chosen(params)}
        start_ms, end_ms = number(params, "startTime", 0) or 0, number(params, "endTime")
        from_number, limit = number(params, "orderId", 0) or 0, number(params, "limit", 500) or 500
        found = [
            shape(order, self._names)
            for order in account.orders.values()
            if order.command.coin in coins and chosen(order) and order.created_ms >= start_ms
            and (end_ms is None or order.created_ms <= end_ms) and order.number >= from_number
        ]
        return HttpAnswer(found[-limit:])

    async def _cancel_all(self, account: VenueAccount, params: Params) -> HttpAnswer:
        await self._cancel_each(account, account.open_orders(self._names.instrument(params).coin), algo=False)
        return HttpAnswer({"code": 200, "msg": "The operation of cancel all open order is done."})

    async def _cancel_all_algos(self, account: VenueAccount, params: Params) -> HttpAnswer:
        await self._cancel_each(account, account.open_orders(self._names.instrument(params).coin), algo=True)
        return HttpAnswer({"code": 200, "msg": "The operation of cancel all open order is done."})

    async def _cancel_each(self, account: VenueAccount, orders: Iterable[OrderRecord], *, algo: bool) -> None:
        for order in orders:
            if payloads.is_algo(order) is algo:
                await self._cancelled(account, order)


def _named(account: VenueAccount, params: Params, name: str, order_number: int | None) -> list[OrderRecord]:
    """The number wins over the client id. Refused when neither was sent."""
    if order_number is None and not params.get(name):
        raise BinanceRefused(-1102, f"Param '{name}' or 'orderId' must be sent, but both were empty/null!")
    found = account.order(number=order_number) if order_number is not None else account.order(client_id=params[name])
    return [found] if found is not None else []


def _known(order: OrderRecord) -> bool:
    """What was never accepted was never there."""
    return order.state not in (VenueOrderState.SENT, VenueOrderState.REJECTED)


def _in_the_book(order: OrderRecord) -> bool:
    return _known(order) and (not payloads.is_algo(order) or bool(order.triggered_ms))


def _buys(params: Params) -> bool:
    if params.get("side") not in ("BUY", "SELL"):
        raise BinanceRefused(-1117, "Invalid side.")
    return params["side"] == "BUY"


def _positive(params: Params, name: str) -> Decimal:
    text = params.get(name, "")
    if not text:
        raise BinanceRefused(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")
    try:
        value = Decimal(text)
    except InvalidOperation:
        raise BinanceRefused(-1100, f"Illegal characters found in parameter '{name}'.") from None
    if not value.is_finite() or value <= 0:
        code = -4003 if name == "quantity" else -4001
        raise BinanceRefused(code, f"{name.capitalize()} less than or equal to zero.")
    return value
